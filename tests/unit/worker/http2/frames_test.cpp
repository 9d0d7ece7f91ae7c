#include "worker/http2/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::http2 {
namespace {

std::string frame(FrameType type, unsigned flags, unsigned stream, std::string_view payload = {}) {
  std::string out{'\0', '\0', static_cast<char>(payload.size()), static_cast<char>(type),
                  static_cast<char>(flags)};
  out.append({'\0', '\0', '\0', static_cast<char>(stream)});
  return out.append(payload);
}

/// Writes down what it is told.
class Told final : public FrameEvents {
 public:
  bool on_frame_begin(const FrameHead& /*frame*/) override { return ++frames_, true; }
  Opened on_request_begin(std::int32_t /*id*/) override {
    return {false, streams_.emplace_back(std::make_unique<FrameStream>()).get()};
  }
  void on_field(FrameStream& /*stream*/, std::string_view name, std::string_view value) override {
    fields_.append(name).append("=").append(value).append(" ");
  }
  void on_trailer(FrameStream& /*stream*/, std::string_view name, std::string_view value) override {
    fields_.append(name).append("~").append(value).append(" ");
  }
  bool on_field_bytes(std::size_t /*bytes*/) override { return true; }
  void on_request_head(FrameStream& /*stream*/, bool ends) override { heads_ += ends ? 1 : 0; }
  void on_data(FrameStream& /*stream*/, std::span<const std::byte> data) override { data_ += data.size(); }
  void on_request_end(FrameStream& /*stream*/) override { ++ends_; }
  void on_reset(FrameStream& /*stream*/) override {}
  void on_our_reset(ErrorCode why) override { our_resets_.push_back(why); }
  void on_pong() override {}
  void on_fields_sent(FrameStream& /*stream*/, std::size_t bytes) override { sent_ += bytes; }
  void on_response_end(FrameStream& stream) override { responded_.push_back(stream.id()); }
  void on_stream_end(FrameStream& stream) override { closed_.push_back(stream.id()); }
  Pulled pull(FrameStream& stream, std::size_t most) override {
    std::size_t& left = bodies_[stream.id()];
    const std::size_t part = std::min({left, most, piece_});
    left -= part;
    pulled_.push_back(stream.id());
    return {Pulled::Kind::Data, part, left == 0};
  }
  bool write_data(FrameStream& /*stream*/, std::span<std::byte> room) override {
    std::ranges::fill(room, std::byte{'d'});
    return true;
  }

  int frames_ = 0;
  int heads_ = 0;
  int ends_ = 0;
  std::size_t data_ = 0;
  std::size_t sent_ = 0;
  std::size_t piece_ = 100;  // of a body, at most
  std::string fields_;
  std::vector<std::unique_ptr<FrameStream>> streams_;
  std::vector<ErrorCode> our_resets_;
  std::vector<std::int32_t> responded_;
  std::vector<std::int32_t> closed_;
  std::vector<std::int32_t> pulled_;
  std::map<std::int32_t, std::size_t> bodies_;  // bytes left
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class FramesTest : public ::testing::Test {
 protected:
  /// As a connection does: what was not taken comes again, with one byte more each time.
  bool arrive_by_byte(std::string_view bytes) {
    std::string kept;
    for (const char byte : bytes) {
      kept += byte;
      const auto taken = frames_.receive(bytes_of(kept));
      if (!taken) return false;
      kept.erase(0, *taken);
    }
    return kept.empty();
  }

  void begin() { arrive(std::string(kPreface) + frame(FrameType::Settings, 0, 0)); }
  void arrive(const std::string& bytes) { ASSERT_EQ(frames_.receive(bytes_of(bytes)), bytes.size()); }
  /// GET / on this stream; priority, when it is not empty.
  void request(unsigned id, std::string_view priority = {}, unsigned flags = 5) {
    std::string section = "\x82\x86\x84\x41\x01z";
    if (!priority.empty()) {
      section.append("\0\x08priority", 10).append(1, static_cast<char>(priority.size())).append(priority);
    }
    arrive(frame(FrameType::Headers, flags, id, section));
  }
  void answer(std::int32_t id, std::size_t bytes) {
    told_.bodies_[id] = bytes;
    const api::Field status{":status", "200"};
    frames_.respond(*frames_.stream(id), {&status, 1}, bytes > 0);
  }
  void produce_all() {
    while (frames_.produce()) continue;
  }
  static std::string credit(unsigned id, std::uint32_t bytes) {
    std::array<std::byte, 4> number;
    put_number(number, 0, 4, bytes);
    return frame(FrameType::WindowUpdate, 0, id, {reinterpret_cast<const char*>(number.data()), number.size()});
  }
  static std::string first_window(std::uint32_t bytes) {
    std::array<std::byte, 6> setting;
    put_number(setting, 0, 2, static_cast<std::uint32_t>(Setting::InitialWindowSize));
    put_number(setting, 2, 4, bytes);
    return frame(FrameType::Settings, 0, 0, {reinterpret_cast<const char*>(setting.data()), setting.size()});
  }

  Told told_;
  net::OutputQueue output_;
  Frames frames_{told_, output_, {}};
};

const std::string kSection = frame(FrameType::Headers, 1, 1, "\x82") +           // END_STREAM
                             frame(FrameType::Continuation, 0, 1, "\x86") +      //
                             frame(FrameType::Continuation, 0, 1, "\x84") +      //
                             frame(FrameType::Continuation, 4, 1, "\x41\x01z");  // END_HEADERS

TEST_F(FramesTest, a_field_section_arrives_byte_by_byte) {
  ASSERT_TRUE(arrive_by_byte(std::string(kPreface) + frame(FrameType::Settings, 0, 0) + kSection));
  EXPECT_EQ(told_.fields_, ":method=GET :scheme=http :path=/ :authority=z ");
  EXPECT_EQ(told_.heads_, 1);
}

TEST_F(FramesTest, the_head_of_a_frame_is_taken_as_a_whole) {
  const std::string begin = std::string(kPreface) + frame(FrameType::Settings, 0, 0);
  ASSERT_EQ(frames_.receive(bytes_of(begin + kSection.substr(0, 8))), begin.size());
  EXPECT_EQ(frames_.receive(bytes_of(kSection.substr(0, 8))), 0u);
  EXPECT_EQ(frames_.receive(bytes_of(kSection)), kSection.size());
  EXPECT_EQ(told_.heads_, 1);
}

TEST_F(FramesTest, what_is_no_preface_ends_the_connection) {
  EXPECT_FALSE(arrive_by_byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"));
}

using Ids = std::vector<std::int32_t>;

TEST_F(FramesTest, equals_are_answered_one_after_the_other) {
  begin();
  for (const unsigned id : {1u, 3u}) request(id), answer(static_cast<std::int32_t>(id), 200);
  produce_all();
  EXPECT_EQ(told_.pulled_, (Ids{1, 1, 3, 3}));
  EXPECT_EQ(told_.closed_, (Ids{1, 3}));
}

TEST_F(FramesTest, the_urgent_come_first_and_the_incremental_take_turns) {
  begin();
  request(1, "u=5");
  request(3, "u=1, i");
  request(5, "u=1, i");
  request(7, "u=0");
  for (const std::int32_t id : {1, 3, 5, 7}) answer(id, 200);
  produce_all();
  EXPECT_EQ(told_.pulled_, (Ids{7, 7, 3, 5, 3, 5, 1, 1}));
}

TEST_F(FramesTest, a_priority_may_be_changed_while_the_answer_is_under_way) {
  begin();
  for (const unsigned id : {1u, 3u}) request(id), answer(static_cast<std::int32_t>(id), 200);
  frames_.produce();
  arrive(frame(FrameType::PriorityUpdate, 0, 0, std::string("\0\0\0\3u=0", 7)));
  produce_all();
  EXPECT_EQ(told_.pulled_, (Ids{1, 3, 3, 1}));
}

TEST_F(FramesTest, no_more_is_sent_than_the_windows_allow) {
  begin();
  arrive(first_window(150));
  request(1);
  request(3);
  answer(1, 1000);
  answer(3, 100);
  produce_all();
  EXPECT_EQ(told_.bodies_[1], 850u);
  EXPECT_EQ(told_.closed_, Ids{3}) << "the one that has no credit holds nobody up";
  EXPECT_FALSE(frames_.wants_output());
  arrive(credit(1, 50));
  produce_all();
  EXPECT_EQ(told_.bodies_[1], 800u);
  arrive(first_window(0));
  arrive(credit(1, 100));
  EXPECT_FALSE(frames_.wants_output()) << "the window is negative, then still below zero";
  arrive(credit(1, 900));
  produce_all();
  EXPECT_EQ(told_.bodies_[1], 0u);
}

TEST_F(FramesTest, the_windows_of_the_connection_and_of_a_stream_are_apart) {
  begin();
  told_.piece_ = 100'000;
  arrive(first_window(1 << 20));
  request(1);
  answer(1, 70'000);
  produce_all();
  EXPECT_EQ(told_.bodies_[1], 70'000u - kFirstWindow);
  arrive(credit(0, 10'000));
  produce_all();
  EXPECT_EQ(told_.closed_, Ids{1});
}

TEST_F(FramesTest, credit_comes_back_half_a_window_at_a_time_also_for_what_nobody_took) {
  begin();
  request(1, {}, 4);
  const std::string data(16'384, 'x');
  std::string piece(9, '\0');
  put_head(std::as_writable_bytes(std::span(piece)), {FrameType::Data, 0, 1, data.size()});
  produce_all();
  const std::uint64_t before = output_.size();
  arrive(piece + data);
  EXPECT_EQ(output_.size(), before);
  frames_.consume(*frames_.stream(1), data.size());
  arrive(piece + data);
  frames_.reset(*frames_.stream(1), ErrorCode::Cancel);
  produce_all();
  constexpr std::uint64_t kReset = 9 + 4;
  constexpr std::uint64_t kCredit = 9 + 4;
  EXPECT_EQ(output_.size(), before + kReset + kCredit) << "of the connection";
  EXPECT_EQ(told_.closed_, Ids{1});
}

TEST_F(FramesTest, what_handlers_hold_back_does_not_stop_the_others) {
  begin();
  std::string piece(9, '\0');
  const std::string data(16'000, 'x');
  for (unsigned id = 1; id <= 7; id += 2) {
    request(id, {}, 4);
    put_head(std::as_writable_bytes(std::span(piece)),
             {FrameType::Data, 0, static_cast<std::int32_t>(id), data.size()});
    arrive(piece + data);
  }
  produce_all();
  const std::uint64_t before = output_.size();
  frames_.discard(*frames_.stream(7), data.size());
  EXPECT_EQ(output_.size(), before + 9 + 4) << "the three others have most of the window";
}

TEST_F(FramesTest, a_priority_that_changes_nothing_costs_no_turn) {
  begin();
  for (const unsigned id : {1u, 3u}) request(id), answer(static_cast<std::int32_t>(id), 200);
  frames_.produce();
  arrive(frame(FrameType::PriorityUpdate, 0, 0, std::string("\0\0\0\1u=3", 7)));
  produce_all();
  EXPECT_EQ(told_.pulled_, (Ids{1, 1, 3, 3}));
}

// As when the connection ends: what goes with one stream may wake another.
TEST_F(FramesTest, forgotten_streams_are_touched_no_more) {
  begin();
  for (const unsigned id : {1u, 3u, 5u}) request(id), answer(static_cast<std::int32_t>(id), 200);
  for (const auto& stream : told_.streams_) frames_.forget(*stream);
  told_.streams_.pop_back();
  frames_.resume_body(*told_.streams_[1]);
  told_.streams_.pop_back();
  frames_.resume_body(*told_.streams_[0]);
  EXPECT_FALSE(frames_.produce());
  EXPECT_TRUE(told_.closed_.empty());
}

TEST_F(FramesTest, an_answer_that_is_its_fields_ends_after_the_call) {
  begin();
  request(1);
  answer(1, 0);
  EXPECT_TRUE(told_.responded_.empty());
  EXPECT_GT(told_.sent_, 9u);
  EXPECT_TRUE(frames_.wants_output());
  produce_all();
  EXPECT_EQ(told_.responded_, Ids{1});
  EXPECT_EQ(told_.closed_, Ids{1});
  EXPECT_EQ(frames_.stream(1), nullptr);
}

TEST_F(FramesTest, after_a_goaway_nothing_is_read_or_written) {
  begin();
  request(1);
  answer(1, 1000);
  frames_.terminate(ErrorCode::EnhanceYourCalm);
  const std::uint64_t size = output_.size();
  EXPECT_FALSE(frames_.wants_input());
  EXPECT_FALSE(frames_.produce());
  arrive(frame(FrameType::Ping, 0, 0, "12345678"));
  frames_.go_on(*frames_.stream(1));
  EXPECT_EQ(output_.size(), size);
}

}  // namespace
}  // namespace holdfast::http2
