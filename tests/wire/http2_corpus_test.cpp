// The sections of RFC 9113 and RFC 7541 that bind a server, one file each, whatever way the bytes arrive.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/http2_client.h"
#include "tests/support/server_process.h"
#include "tests/support/split_feeder.h"
#include "tests/wire/http2_case.h"

namespace holdfast::wire {
namespace {

using support::Delivery;
using support::Frame;
using support::FrameType;
using support::Http2Client;
using support::Outcome;
using support::ServerProcess;

// Longer steps arrive in fewer pieces: what matters is at their beginning.
constexpr std::size_t kMostSinglePieces = 600;

/// One case against a server.
class Play {
 public:
  Play(std::uint16_t port, const Http2Case& script, Delivery delivery, unsigned seed)
      : client_(port, Http2Client::Silent{}), script_(script), delivery_(delivery), seed_(seed) {}

  void run() {
    for (const Http2Step& step : script_.steps) {
      if (const auto* const bytes = std::get_if<std::string>(&step)) {
        send(*bytes);
        continue;
      }
      const auto& expected = std::get<Expectation>(step);
      const std::string seen = meet(expected);
      if (seen.empty()) continue;
      ADD_FAILURE() << script_.name << " (line " << expected.line << "): expected " << expected.what << " "
                    << words(expected.arguments) << ", saw " << seen;
      return;
    }
  }

 private:
  static std::string words(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& word : all) text += word + " ";
    return text;
  }

  // A server that has seen enough may close before the rest is sent.
  void send(std::string_view bytes) {
    const Delivery delivery = bytes.size() > kMostSinglePieces ? Delivery::Whole : delivery_;
    for (const std::string_view piece : support::cut(bytes, delivery, seed_))
      if (client_.client().send(piece) != Outcome::Ok) return;
  }

  /// Empty: it came. Else what came instead.
  std::string meet(const Expectation& expected) {
    const auto& arguments = expected.arguments;
    if (expected.what == "goaway") return meet_goaway(arguments.at(0));
    if (expected.what == "closed") return meet_end();
    if (expected.what == "status") {
      const auto response = client_.receive(static_cast<std::uint32_t>(std::stoul(arguments.at(0))));
      const bool met = response.ok() && std::to_string(response.status) == arguments.at(1);
      return met ? "" : testing::PrintToString(response);
    }
    if (expected.what == "alive") {
      client_.send(FrameType::Ping, 0, 0, "is alive");
      return meet_frame(FrameType::Ping, 0, support::kAck, "is alive");
    }
    if (expected.what == "ping")
      return meet_frame(FrameType::Ping, 0, support::kAck, text_meant(arguments.at(1)));
    if (expected.what == "settings") return meet_frame(FrameType::Settings, 0, support::kAck, "");
    if (expected.what == "reset")
      return meet_frame(FrameType::Reset, static_cast<std::uint32_t>(std::stoul(arguments.at(0))), 0,
                        support::big_endian(http2_error(arguments.at(1))));
    return "a word that this test does not know";
  }

  static std::string describe(const Frame& frame) {
    return "frame " + std::to_string(static_cast<int>(frame.type)) + " flags " + std::to_string(frame.flags) +
           " stream " + std::to_string(frame.stream) + " number " + std::to_string(frame.number());
  }

  std::string meet_frame(FrameType type, std::uint32_t stream, std::uint8_t flags, const std::string& payload) {
    while (const auto frame = client_.next()) {
      if (frame->type == type && frame->stream == stream && frame->flags == flags)
        return frame->payload == payload ? "" : describe(*frame);
      if (frame->type == FrameType::GoAway && frame->number() != 0) return describe(*frame);
      if (frame->type == FrameType::Reset) return describe(*frame);
    }
    return "the end of the connection, or nothing";
  }

  std::string meet_goaway(const std::string& names) {
    const auto number = client_.refused();
    if (!number) return "no GOAWAY";
    bool met = false;
    for (std::size_t at = 0; at <= names.size();) {
      const std::size_t end = std::min(names.find('|', at), names.size());
      met |= http2_error(names.substr(at, end - at)) == *number;
      at = end + 1;
    }
    return met ? meet_end() : "GOAWAY " + std::to_string(*number);
  }

  std::string meet_end() {
    while (client_.next()) continue;
    const Outcome end = client_.client().closes_within(std::chrono::seconds(5));
    return end == Outcome::Timeout ? "a connection that stays open" : "";
  }

  Http2Client client_;
  const Http2Case& script_;
  const Delivery delivery_;
  const unsigned seed_;
};

struct Way {
  const char* name;
  Delivery delivery;
  unsigned rounds;
};
void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

class Http2Corpus : public ::testing::TestWithParam<Way> {};

TEST_P(Http2Corpus, is_answered_as_the_specification_says) {
  support::ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(HOLDFAST_WIRE_CORPUS) + "/http2")) {
    SCOPED_TRACE(entry.path().filename().string());
    for (const Http2Case& script : load_http2_cases(entry.path().string())) {
      ++count;
      for (unsigned round = 1; round <= GetParam().rounds; ++round)
        Play(server.port(), script, GetParam().delivery, round).run();
    }
  }
  EXPECT_GE(count, 100u);
  EXPECT_EQ(support::get(server.port(), "/fixed").status, 200);
}

INSTANTIATE_TEST_SUITE_P(arriving, Http2Corpus,
                         ::testing::Values(Way{"whole", Delivery::Whole, 1}, Way{"by_byte", Delivery::Bytes, 1},
                                           Way{"in_random_cuts", Delivery::RandomCuts, 3}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::wire
