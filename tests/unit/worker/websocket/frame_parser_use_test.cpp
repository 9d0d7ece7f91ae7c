// How a parser is used, beyond what its frames mean: pauses, consumed bytes, the state it tells.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/frame_recorder.h"
#include "tests/unit/worker/websocket/client_frames.h"
#include "worker/websocket/frame_parser.h"

namespace holdfast::websocket {
namespace {

using support::FrameRecorder;

std::span<std::byte> bytes_of(std::string& wire) {
  return std::as_writable_bytes(std::span(wire));
}

TEST(FrameParserUse, a_pause_leaves_what_follows_untouched) {
  FrameParser parser({});
  FrameRecorder recorder([] { return false; });
  std::string wire = binary_frame("abc") + binary_frame("def");
  const std::string before = wire;
  std::size_t consumed = 0;
  for (const std::size_t expected : {6u, 9u, 9u, 15u, 18u, 18u}) {
    const FrameParser::Step step = parser.parse(bytes_of(wire).subspan(consumed), recorder);
    EXPECT_TRUE(step.paused);
    consumed += step.consumed;
    EXPECT_EQ(consumed, expected);
    EXPECT_EQ(wire.substr(consumed), before.substr(consumed));
  }
  EXPECT_FALSE(parser.parse({}, recorder).paused);
  EXPECT_EQ(recorder.lines(),
            (std::vector<std::string>{"binary", "data:abc", "end", "binary", "data:def", "end"}));
}

TEST(FrameParserUse, an_event_that_waits_is_told_without_further_input) {
  FrameParser parser({});
  FrameRecorder recorder([] { return false; });
  std::string wire = text_frame("");
  EXPECT_EQ(parser.parse(bytes_of(wire), recorder).consumed, wire.size());
  EXPECT_EQ(recorder.lines().size(), 1u);
  EXPECT_TRUE(parser.in_message());
  EXPECT_TRUE(parser.parse({}, recorder).paused);
  EXPECT_EQ(recorder.lines().back(), "end");
  EXPECT_FALSE(parser.in_message());
}

TEST(FrameParserUse, data_is_unmasked_in_place_and_not_copied) {
  FrameParser parser({});
  FrameRecorder recorder;
  std::string wire = text_frame("in place");
  parser.parse(bytes_of(wire), recorder);
  EXPECT_EQ(wire.substr(6), "in place");
}

TEST(FrameParserUse, consumes_up_to_a_close_frame_and_nothing_behind_it) {
  FrameParser parser({});
  FrameRecorder recorder;
  const std::string close = close_frame(1000);
  std::string wire = close + text_frame("late");
  FrameParser::Step step = parser.parse(bytes_of(wire), recorder);
  EXPECT_EQ(step.consumed, close.size());
  EXPECT_TRUE(parser.closed());
  EXPECT_FALSE(step.paused);
  step = parser.parse(bytes_of(wire).subspan(close.size()), recorder);
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_FALSE(step.failure);
  EXPECT_EQ(recorder.lines().size(), 1u);
}

TEST(FrameParserUse, a_failure_is_repeated_and_consumes_nothing_more) {
  FrameParser parser({});
  FrameRecorder recorder;
  std::string wire = "\x83";
  const FrameParser::Step first = parser.parse(bytes_of(wire), recorder);
  ASSERT_TRUE(first.failure);
  std::string fine = text_frame("a");
  const FrameParser::Step second = parser.parse(bytes_of(fine), recorder);
  EXPECT_EQ(second.failure, first.failure);
  EXPECT_EQ(second.consumed, 0u);
  EXPECT_FALSE(parser.closed());
  EXPECT_TRUE(recorder.lines().empty());
}

TEST(FrameParserUse, tells_where_it_stands) {
  FrameParser parser({});
  FrameRecorder recorder;
  EXPECT_TRUE(parser.between_frames());
  const auto take = [&](std::string wire) { parser.parse(bytes_of(wire), recorder); };
  take("\x01");
  EXPECT_FALSE(parser.between_frames());
  EXPECT_FALSE(parser.in_message());
  take(client_frame(0x1, "ab").substr(1, 6));
  EXPECT_FALSE(parser.between_frames());
  EXPECT_TRUE(parser.in_message());
  take(client_frame(0x1, "ab").substr(7));
  EXPECT_TRUE(parser.between_frames());
  EXPECT_TRUE(parser.in_message());
  take(client_frame(0x89, ""));
  EXPECT_TRUE(parser.in_message());
  take(client_frame(0x80, ""));
  EXPECT_TRUE(parser.between_frames());
  EXPECT_FALSE(parser.in_message());
}

TEST(FrameParserUse, random_conversations_come_through_random_cuts) {
  std::mt19937 random(13);
  for (int round = 0; round < 100; ++round) {
    std::string wire;
    std::vector<std::string> expected;
    for (unsigned message = 0; message < 1 + random() % 4; ++message) {
      std::string data;
      expected.emplace_back("binary");
      const unsigned frames = 1 + random() % 4;
      for (unsigned i = 0; i < frames; ++i) {
        std::string piece(random() % 3 == 0 ? random() % 400 : random() % 6, '\0');
        for (char& c : piece) c = static_cast<char>(random());
        std::string key(4, '\0');
        for (char& c : key) c = static_cast<char>(random());
        wire += client_frame((i + 1 == frames ? kFinal : 0) | (i == 0 ? 2 : 0), piece, key);
        data += piece;
      }
      if (!data.empty()) expected.push_back("data:" + data);
      expected.emplace_back("end");
    }
    FrameParser parser({});
    FrameRecorder recorder([&] { return random() % 4 != 0; });
    recorder.feed(parser, wire, [&] { return 1 + random() % 64; });
    ASSERT_EQ(recorder.lines(), expected);
  }
}

}  // namespace
}  // namespace holdfast::websocket
