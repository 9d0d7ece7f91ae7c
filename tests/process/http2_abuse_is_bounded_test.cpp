// What costs an HTTP/2 client nothing and a server much (RFC 9113 section 10.5): each kind ends its connection
// with ENHANCE_YOUR_CALM and is counted, while others are served.
#include <gtest/gtest.h>

#include "tests/support/http2_client.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr std::uint32_t kCalm = 11;

class http2_abuse : public ::testing::Test {
 protected:
  static ServerConfig one_worker() {
    ServerConfig config;
    config.workers = 1;
    config.limits = "response_rate: 10000";
    config.timeouts = "response_write: 1s, request_header: 1s";
    return config;
  }
  void SetUp() override { ASSERT_TRUE(server.ready()); }

  /// `attack` goes on until the server ends it; somebody else is served meanwhile and afterwards.
  template <class Attack>
  void is_ended(const std::string& reason, int times, Attack attack) {
    Http2Client bystander(server.port());
    Http2Client client(server.port());
    for (int i = 0; i < times && attack(client, i); ++i) {
      if (i % 100 == 0) {
        EXPECT_EQ(bystander.fetch("GET", "/api/hello").status, 200);
      }
    }
    EXPECT_EQ(client.refused(), kCalm);
    EXPECT_EQ(bystander.fetch("GET", "/api/hello").status, 200);
    EXPECT_EQ(counted(reason), 1);
  }
  double counted(const std::string& reason) {
    return scrape(server.admin_port()).sum("holdfast_http2_abuses_total", {"reason=\"" + reason + "\""});
  }
  static bool ok(Outcome outcome) { return outcome == Outcome::Ok; }

  ServerProcess server{one_worker()};
};

TEST_F(http2_abuse, rapid_reset) {
  server.dir().write("www/big", std::string(300'000, 'b'));
  is_ended("rapid_reset", 5000, [](Http2Client& client, int i) {
    const auto stream = static_cast<std::uint32_t>(2 * i + 1);
    return ok(client.send_fields(stream, request_fields("GET", "/big"), true)) &&
           ok(client.send(FrameType::Reset, 0, stream, big_endian(8)));
  });
}

TEST_F(http2_abuse, made_you_reset) {
  is_ended("made_you_reset", 5000, [](Http2Client& client, int i) {
    const auto stream = static_cast<std::uint32_t>(2 * i + 1);
    FieldList fields = request_fields("POST", "/api/echo");
    fields.emplace_back("content-length", "1");
    // More content than was announced is an error of the stream (RFC 9113 section 8.1.1).
    return ok(client.send_fields(stream, fields, false)) &&
           ok(client.send(FrameType::Data, 0, stream, "four")) &&
           client.receive(stream).outcome == Outcome::Reset;
  });
}

TEST_F(http2_abuse, settings_flood) {
  is_ended("settings", 5000, [](Http2Client& client, int) { return ok(client.send_settings({{1, 4096}})); });
}

TEST_F(http2_abuse, ping_flood) {
  is_ended("ping", 5000, [](Http2Client& client, int) {
    return ok(client.send(FrameType::Ping, 0, 0, std::string(8, 'p')));
  });
}

// All at once: before any of it can be answered.
TEST_F(http2_abuse, floods_in_one_piece_are_told_and_counted_as_well) {
  const auto many = [](FrameType type, const std::string& payload) {
    std::string frames;
    for (int i = 0; i < 5000; ++i)
      frames += big_endian(static_cast<std::uint32_t>(payload.size())).substr(1) + static_cast<char>(type) +
                '\0' + big_endian(0) + payload;
    return frames;
  };
  const std::vector<std::pair<std::string, std::string>> floods{
      {"ping", many(FrameType::Ping, std::string(8, 'p'))},
      {"settings", many(FrameType::Settings, std::string("\0\1\0\0\x10\0", 6))}};
  for (const auto& [reason, frames] : floods) {
    Http2Client client(server.port());
    client.client().send(frames);
    EXPECT_EQ(client.refused(), kCalm) << reason;
    EXPECT_EQ(counted(reason), 1) << reason;
  }
}

TEST_F(http2_abuse, empty_frames) {
  is_ended("empty_frames", 5000, [](Http2Client& client, int i) {
    if (i == 0) return ok(client.send_fields(1, request_fields("POST", "/api/echo"), false));
    return ok(client.send(FrameType::Data, 0, 1));
  });
}

TEST_F(http2_abuse, priority_flood) {
  is_ended("priority", 5000, [](Http2Client& client, int i) {
    const auto stream = static_cast<std::uint32_t>(2 * i + 1);
    return ok(client.send(FrameType::Priority, 0, stream, big_endian(0) + "w"));
  });
}

TEST_F(http2_abuse, credit_for_nothing) {
  is_ended("window_updates", 5000, [](Http2Client& client, int) {
    return ok(client.send(FrameType::WindowUpdate, 0, 0, big_endian(1)));
  });
}

TEST_F(http2_abuse, a_field_section_that_never_ends) {
  Http2Client client(server.port());
  while (client.settings().empty()) ASSERT_TRUE(client.next());
  client.send(FrameType::Headers, kEndStream, 1, field_section(request_fields("GET", "/")));
  while (client.next()) {
  }
  EXPECT_EQ(client.goaways(), 1);
  EXPECT_EQ(client.client().closes_within(5s), Outcome::Ok);
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_http_bad_requests_total", {"reason=\"head_timeout\""}),
            1);
}

TEST_F(http2_abuse, continuation_flood) {
  is_ended("continuation", 5000, [](Http2Client& client, int i) {
    if (i == 0)
      return ok(client.send(FrameType::Headers, kEndStream, 1, field_section(request_fields("GET", "/"))));
    return ok(client.send(FrameType::Continuation, 0, 1, field_section({{"x", "y"}})));
  });
}

// One field of 4,000 bytes is put into the dynamic table, then named by single bytes.
TEST_F(http2_abuse, field_bomb) {
  std::string section = field_section(request_fields("GET", "/"));
  section += '\x40';  // with incremental indexing (RFC 7541 section 6.2.1)
  section += field_section({{"x", std::string(4000, 'v')}}).substr(1);
  section += std::string(2000, static_cast<char>(0x80 | 62));
  is_ended("field_bomb", 1, [&](Http2Client& client, int) {
    return ok(client.send(FrameType::Headers, kEndStream | kEndHeaders, 1, section));
  });
}

// 2 kB/s, of 10 that are the least.
TEST_F(http2_abuse, a_window_that_opens_too_slowly_costs_the_stream) {
  server.dir().write("www/big", std::string(300'000, 'b'));
  Http2Client client(server.port());
  Http2Client other(server.port());
  client.set_refill(false);
  const std::uint32_t stream = client.request(request_fields("GET", "/big"));
  client.send(FrameType::WindowUpdate, 0, 0, big_endian(1'000'000));
  int trickled = 0;
  for (bool reset = false; !reset; ++trickled) {
    client.send(FrameType::WindowUpdate, 0, stream, big_endian(100));
    // Others are served; that is also what keeps the pace.
    for (const TimePoint next = Clock::now() + 50ms; Clock::now() < next;)
      ASSERT_EQ(other.fetch("GET", "/api/hello").status, 200);
    while (client.client().readable() && !reset) {
      const auto frame = client.next();
      ASSERT_TRUE(frame);
      reset = frame->type == FrameType::Reset;
    }
    ASSERT_LT(trickled, 200) << "ten seconds";
  }
  EXPECT_GT(trickled, 10) << "it had its time";
  EXPECT_EQ(counted("stalled_window"), 1);
}

TEST_F(http2_abuse, a_window_that_never_opens_costs_the_stream) {
  server.dir().write("www/big", std::string(300'000, 'b'));
  Http2Client client(server.port());
  client.set_refill(false);
  const Response stalled = client.fetch("GET", "/big");
  EXPECT_EQ(stalled.outcome, Outcome::Reset);
  EXPECT_EQ(stalled.body.size(), 65'535u);
  EXPECT_EQ(counted("stalled_window"), 1);
}

}  // namespace
}  // namespace holdfast::support
