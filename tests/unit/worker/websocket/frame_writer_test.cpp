#include "worker/websocket/frame_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::websocket {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string head(FrameShape shape, std::uint64_t payload) {
  return text_of(write_frame_head(shape, payload).view());
}
std::string raw(std::initializer_list<int> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(FrameWriter, writes_lengths_in_their_shortest_form) {
  const FrameShape binary{Opcode::Binary};
  const struct {
    std::uint64_t payload;
    std::string expected;
  } cases[] = {
      {0, raw({0x82, 0})},
      {1, raw({0x82, 1})},
      {125, raw({0x82, 125})},
      {126, raw({0x82, 126, 0, 126})},
      {255, raw({0x82, 126, 0, 255})},
      {256, raw({0x82, 126, 1, 0})},
      {65'535, raw({0x82, 126, 255, 255})},
      {65'536, raw({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0})},
      {UINT64_MAX >> 1, raw({0x82, 127, 127, 255, 255, 255, 255, 255, 255, 255})},
  };
  for (const auto& row : cases) EXPECT_EQ(head(binary, row.payload), row.expected) << row.payload;
}

TEST(FrameWriter, writes_opcode_and_bits) {
  EXPECT_EQ(head({Opcode::Text}, 0), raw({0x81, 0}));
  EXPECT_EQ(head({Opcode::Text, false}, 0), raw({0x01, 0}));
  EXPECT_EQ(head({Opcode::Continuation, false}, 0), raw({0x00, 0}));
  EXPECT_EQ(head({Opcode::Continuation, true}, 0), raw({0x80, 0}));
  EXPECT_EQ(head({Opcode::Text, true, true}, 0), raw({0xc1, 0}));
  EXPECT_EQ(head({Opcode::Binary, false, true}, 0), raw({0x42, 0}));
}

TEST(FrameWriter, writes_pings_and_pongs) {
  const std::string most(125, 'x');
  EXPECT_EQ(text_of(write_control_frame(Opcode::Ping, {}).view()), raw({0x89, 0}));
  EXPECT_EQ(text_of(write_control_frame(Opcode::Pong, std::as_bytes(std::span(most))).view()),
            raw({0x8a, 125}) + most);
}

TEST(FrameWriter, writes_close_frames) {
  EXPECT_EQ(text_of(write_close_frame(CloseCode::Normal, "").view()), raw({0x88, 2, 3, 0xe8}));
  EXPECT_EQ(text_of(write_close_frame(CloseCode::GoingAway, "bye").view()), raw({0x88, 5, 3, 0xe9}) + "bye");
  EXPECT_EQ(text_of(write_close_frame(CloseCode{4999}, "").view()), raw({0x88, 2, 0x13, 0x87}));
  EXPECT_EQ(text_of(write_close_frame(CloseCode::NoStatus, "not sent").view()), raw({0x88, 0}));
}

TEST(FrameWriter, cuts_long_reasons_between_characters) {
  const auto reason = [](std::string_view given) {
    return text_of(write_close_frame(CloseCode::Normal, given).view()).substr(4);
  };
  const std::string most(123, 'r');
  EXPECT_EQ(reason(most), most);
  EXPECT_EQ(reason(most + "x"), most);
  EXPECT_EQ(reason(most.substr(1) + "\xc3\xbc"), most.substr(1));
  EXPECT_EQ(reason(most.substr(2) + "\xc3\xbc"), most.substr(2) + "\xc3\xbc");
  EXPECT_EQ(reason(most.substr(3) + "\xf0\x9f\x98\x80"), most.substr(3));
  EXPECT_EQ(reason(most.substr(4) + "\xf0\x9f\x98\x80 and more"), most.substr(4) + "\xf0\x9f\x98\x80");
}

TEST(CloseCodes, those_of_the_wire_are_told_from_the_others) {
  unsigned allowed = 0;
  for (unsigned code = 0; code <= UINT16_MAX; ++code) allowed += may_be_sent(static_cast<std::uint16_t>(code));
  EXPECT_EQ(allowed, 12u + 2000u);
  EXPECT_FALSE(may_be_sent(static_cast<std::uint16_t>(CloseCode::NoStatus)));
  EXPECT_FALSE(may_be_sent(static_cast<std::uint16_t>(CloseCode::Abnormal)));
  EXPECT_FALSE(may_be_sent(static_cast<std::uint16_t>(CloseCode::TlsHandshake)));
}

}  // namespace
}  // namespace holdfast::websocket
