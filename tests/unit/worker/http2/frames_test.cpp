#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "worker/http2/library.h"

namespace holdfast::http2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(FrameType type, unsigned flags, unsigned stream, std::string_view payload = {}) {
  std::string out{'\0', '\0', static_cast<char>(payload.size()), static_cast<char>(type),
                  static_cast<char>(flags)};
  out.append({'\0', '\0', '\0', static_cast<char>(stream)});
  return out.append(payload);
}

/// Counts what it is told.
class Told final : public FrameEvents {
 public:
  bool on_frame_begin(const FrameInfo& /*frame*/) override { return ++frames_, true; }
  Opened on_request_begin(std::int32_t /*id*/) override { return {false, this}; }
  void on_field(void* /*stream*/, std::string_view name, std::string_view value) override {
    fields_.append(name).append("=").append(value).append(" ");
  }
  void on_trailer(void* /*stream*/, std::string_view name, std::string_view value) override {
    fields_.append(name).append("~").append(value).append(" ");
  }
  bool on_field_bytes(std::size_t /*bytes*/) override { return true; }
  void on_request_head(void* /*stream*/, bool ends) override { heads_ += ends ? 1 : 0; }
  void on_data(void* /*stream*/, std::span<const std::byte> /*data*/) override {}
  void on_request_end(void* /*stream*/) override {}
  void on_reset(void* /*stream*/) override {}
  void on_our_reset(ErrorCode /*why*/) override {}
  void on_pong() override {}
  void on_sent(void* /*stream*/, const FrameInfo& /*frame*/) override {}
  void on_stream_end(void* /*stream*/) override {}
  Pulled pull(void* /*stream*/, std::size_t /*most*/) override { return {Pulled::Kind::Later}; }
  bool write_data(void* /*stream*/, std::span<const std::byte> /*head*/, std::size_t /*bytes*/,
                  bool& /*pause*/) override {
    return false;
  }

  int frames_ = 0;
  int heads_ = 0;
  std::string fields_;
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

  Library library_;
  Told told_;
  Frames frames_{library_, told_, {}};
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

}  // namespace
}  // namespace holdfast::http2
