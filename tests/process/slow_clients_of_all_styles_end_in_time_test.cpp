// The four ways to hold a connection for long at little cost, some hundred of each at once, beside ordinary
// clients.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr int kOfEach = 120;

enum class Style : std::uint8_t { SlowHead, SlowBody, SlowReader, Idle };
constexpr Style kStyles[] = {Style::SlowHead, Style::SlowBody, Style::SlowReader, Style::Idle};

std::string_view name_of(Style style) {
  switch (style) {
    case Style::SlowHead:
      return "slow head";
    case Style::SlowBody:
      return "slow body";
    case Style::SlowReader:
      return "slow reader";
    case Style::Idle:
      return "idle";
  }
  return "";
}

std::string first_words(Style style) {
  switch (style) {
    case Style::SlowHead:
      return "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ";
    case Style::SlowBody:
      return "POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    case Style::SlowReader:
      return request_text("GET", "/big.bin");
    case Style::Idle:
      return request_text("GET", "/fixed");
  }
  return "";
}

class SlowClient {
 public:
  SlowClient(std::uint16_t port, Style style)
      : style(style), client_(port, {.receive_buffer = style == Style::SlowReader ? 4096 : 0}) {
    ended_ = client_.send(first_words(style)) != Outcome::Ok;
  }
  /// A byte more, in its direction.
  void step() {
    if (ended_) return;
    char bytes[4096];
    const bool sends = style == Style::SlowHead || style == Style::SlowBody;
    if (sends && ::send(client_.fd(), "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) return end();
    const ssize_t got = ::recv(client_.fd(), bytes, style == Style::SlowReader ? 1 : sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return end();
    // A reset does not take away what has arrived before.
    pollfd state{client_.fd(), 0, 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0) end();
  }
  bool ended() const { return ended_; }
  Duration lasted() const { return end_ - begin_; }

  const Style style;

 private:
  void end() {
    ended_ = true;
    end_ = Clock::now();
  }

  Client client_;
  TimePoint begin_ = Clock::now();
  TimePoint end_ = begin_;
  bool ended_ = false;
};

ServerConfig strict() {
  ServerConfig config;
  config.workers = 1;
  config.timeouts = "request_header: 1s, request_body: 1s, response_write: 1s, keep_alive: 1s";
  config.limits = "request_body_rate: 10KiB, response_rate: 1MiB";
  return config;
}

TEST(slow_clients, of_all_styles_end_in_time_and_hold_nobody_up) {
  ServerProcess server(strict());
  ASSERT_TRUE(server.ready());
  server.dir().write("www/big.bin", std::string(32 << 20, 'b'));
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1u);
  Load ordinary(server.port(), {.kind = Load::Kind::Flood, .threads = 2});
  ASSERT_TRUE(eventually(10s, [&] { return ordinary.outcomes().ok() > 50; }));
  const std::size_t before = resident_kib(workers[0]);

  std::vector<std::unique_ptr<SlowClient>> slow;
  for (int i = 0; i < kOfEach; ++i)
    for (const Style style : kStyles) slow.push_back(std::make_unique<SlowClient>(server.port(), style));
  std::size_t most = before;
  const auto all_ended = [&] {
    bool all = true;
    for (const auto& client : slow) {
      client->step();
      all = all && client->ended();
    }
    most = std::max(most, resident_kib(workers[0]));
    ::poll(nullptr, 0, 20);
    return all;
  };
  EXPECT_TRUE(eventually(20s, all_ended));
  ordinary.stop();

  for (const auto& client : slow) {
    ASSERT_TRUE(client->ended()) << name_of(client->style);
    // Each is over soon after its second; what is measured here is a busy machine, too.
    EXPECT_LT(client->lasted(), 4s * kPatience) << name_of(client->style);
    EXPECT_GT(client->lasted(), 500ms) << name_of(client->style);
  }
  EXPECT_EQ(ordinary.outcomes().failed(), 0u) << describe(ordinary.failures());
  // 32 MiB files wait for 120 readers; what a connection may cost is some KiB.
  EXPECT_LT(most - before, 64u * 1024) << "KiB";
  slow.clear();
  EXPECT_TRUE(eventually(20s, [&] { return scrape(server.admin_port()).sum("holdfast_connections") == 0; }));
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.sum("holdfast_http_bad_requests_total", {"reason=\"head_timeout\""}), kOfEach);
  EXPECT_EQ(metrics.sum("holdfast_http_bad_requests_total", {"reason=\"body_rate\""}), kOfEach);
  EXPECT_EQ(metrics.sum("holdfast_connections_reset_total"), kOfEach);
  std::size_t lines = 0;
  for (const LogLine& line : server.log().lines())
    lines += line.event == "request timed out" || line.event == "connection reset" ? 1 : 0;
  EXPECT_GE(lines, 2u);
  EXPECT_LE(lines, 60u) << "told, but not of each";
}

TEST(slow_clients, that_read_steadily_get_all_of_a_large_file) {
  ServerConfig config;
  config.workers = 1;
  config.timeouts = "response_write: 500ms";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string body(6 << 20, 'b');
  server.dir().write("www/big.bin", body);
  // A third of the kernel's buffer, which it waits for before it says that there is room, takes longer than the
  // timeout.
  Client client(server.port(), {.receive_buffer = 64 * 1024});
  client.send(request_text("GET", "/big.bin"));
  ASSERT_EQ(client.receive_head().status, 200);
  std::size_t got = 0;
  for (std::string part = "x"; !part.empty();) {
    part = client.receive_some(64 * 1024);
    got += part.size();
    ::poll(nullptr, 0, 60);
  }
  EXPECT_EQ(got, body.size());
}

}  // namespace
}  // namespace holdfast::support
