#include "worker/websocket/frame_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/frame_recorder.h"
#include "tests/unit/worker/websocket/client_frames.h"

namespace holdfast::websocket {
namespace {

using support::FrameRecorder;
using Lines = std::vector<std::string>;

struct FramingCase {
  std::string name;  // letters and underscores
  std::string wire;
  Lines expected;
  FrameParser::Settings settings{};
};

void PrintTo(const FramingCase& framing, std::ostream* out) {
  *out << framing.name;
}

Lines lines_of(
    const FramingCase& framing, const std::function<std::size_t()>& cut,
    std::function<bool()> go_on = [] { return true; }) {
  FrameParser parser(framing.settings);
  FrameRecorder recorder(std::move(go_on));
  recorder.feed(parser, framing.wire, cut);
  return recorder.lines();
}

class Framing : public testing::TestWithParam<FramingCase> {};

TEST_P(Framing, is_understood_however_it_arrives) {
  const FramingCase& framing = GetParam();
  EXPECT_EQ(lines_of(framing, [] { return SIZE_MAX; }), framing.expected) << "whole";
  EXPECT_EQ(lines_of(framing, [] { return std::size_t{1}; }), framing.expected) << "one byte at a time";
  std::mt19937 random(6455);
  for (int round = 0; round < 20; ++round) {
    const std::size_t most = 1 + random() % 40;
    EXPECT_EQ(lines_of(framing, [&] { return 1 + random() % most; }), framing.expected) << "at random cuts";
  }
}

TEST_P(Framing, is_understood_wherever_it_is_paused) {
  const FramingCase& framing = GetParam();
  const auto always = [] { return false; };
  EXPECT_EQ(lines_of(
                framing, [] { return SIZE_MAX; }, always),
            framing.expected)
      << "whole";
  EXPECT_EQ(lines_of(
                framing, [] { return std::size_t{3}; }, always),
            framing.expected)
      << "cut";
  std::mt19937 random(7692);
  for (int round = 0; round < 20; ++round) {
    const auto now_and_then = [&] { return random() % 2 == 0; };
    EXPECT_EQ(lines_of(
                  framing, [&] { return 1 + random() % 20; }, now_and_then),
              framing.expected)
        << "random";
  }
}

const std::string kLong(70'000, 'x');
const FrameParser::Settings kCompressing{UINT64_MAX, true};

std::vector<FramingCase> messages() {
  return {
      {"text", text_frame("Hello"), {"text", "data:Hello", "end"}},
      {"empty_text", text_frame(""), {"text", "end"}},
      {"binary",
       binary_frame(std::string("\0\xff\x80", 3)),
       {"binary", "data:" + std::string("\0\xff\x80", 3), "end"}},
      {"empty_binary", binary_frame(""), {"binary", "end"}},
      {"two_in_a_row",
       text_frame("a") + binary_frame("b"),
       {"text", "data:a", "end", "binary", "data:b", "end"}},
      {"longest_short_form",
       binary_frame(kLong.substr(0, 125)),
       {"binary", "data:" + kLong.substr(0, 125), "end"}},
      {"shortest_16_bit_form",
       binary_frame(kLong.substr(0, 126)),
       {"binary", "data:" + kLong.substr(0, 126), "end"}},
      {"longest_16_bit_form",
       binary_frame(kLong.substr(0, 65'535)),
       {"binary", "data:" + kLong.substr(0, 65'535), "end"}},
      {"shortest_64_bit_form",
       binary_frame(kLong.substr(0, 65'536)),
       {"binary", "data:" + kLong.substr(0, 65'536), "end"}},
      {"two_fragments", client_frame(0x1, "Hel") + client_frame(kFinal, "lo"), {"text", "data:Hello", "end"}},
      {"three_fragments",
       client_frame(0x2, "a") + client_frame(0, "b") + client_frame(kFinal, "c"),
       {"binary", "data:abc", "end"}},
      {"empty_fragments",
       client_frame(0x1, "") + client_frame(0, "") + client_frame(kFinal, ""),
       {"text", "end"}},
      {"data_only_in_the_middle",
       client_frame(0x1, "") + client_frame(0, "x") + client_frame(kFinal, ""),
       {"text", "data:x", "end"}},
      {"keys_of_their_own",
       client_frame(0x2, "abcde", "\x01\x02\x03\x04") + client_frame(kFinal, "fgh", "\xff\x10\x20\x30"),
       {"binary", "data:abcdefgh", "end"}},
      {"a_key_of_zeros",
       client_frame(kFinal | 0x1, "clear", std::string_view("\0\0\0\0", 4)),
       {"text", "data:clear", "end"}},
      {"text_cut_inside_of_a_character",
       client_frame(0x1, "\xe2\x82") + client_frame(kFinal, "\xac"),
       {"text", "data:\xe2\x82\xac", "end"}},
      {"text_of_four_byte_characters",
       text_frame("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"),
       {"text", "data:\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", "end"}},
      {"unfinished_head", "\x81", {}},
      {"unfinished_payload", client_frame(kFinal | 0x1, "Hello").substr(0, 8), {"text", "data:He"}},
      {"unfinished_message", client_frame(0x1, "Hello"), {"text", "data:Hello"}},
      {"compressed",
       client_frame(kFinal | 0x41, "\xf2\x48"),
       {"text compressed", "data:\xf2\x48", "end"},
       kCompressing},
      {"compressed_text_is_not_checked",
       client_frame(kFinal | 0x41, "\xff\xff"),
       {"text compressed", "data:\xff\xff", "end"},
       kCompressing},
      {"compressed_fragments",
       client_frame(0x42, "a") + client_frame(kFinal, "b"),
       {"binary compressed", "data:ab", "end"},
       kCompressing},
      {"plain_though_compression_was_agreed", text_frame("a"), {"text", "data:a", "end"}, kCompressing},
      {"compressed_then_plain",
       client_frame(kFinal | 0x41, "a") + text_frame("b"),
       {"text compressed", "data:a", "end", "text", "data:b", "end"},
       kCompressing},
  };
}

std::vector<FramingCase> control_frames() {
  const std::string most(125, 'p');
  return {
      {"ping", client_frame(kFinal | 0x9, "are you there"), {"ping:are you there"}},
      {"empty_ping", client_frame(kFinal | 0x9, ""), {"ping:"}},
      {"longest_ping", client_frame(kFinal | 0x9, most), {"ping:" + most}},
      {"ping_of_any_bytes", client_frame(kFinal | 0x9, "\xff\xfe"), {"ping:\xff\xfe"}},
      {"pong", client_frame(kFinal | 0xa, "yes"), {"pong:yes"}},
      {"empty_pong", client_frame(kFinal | 0xa, ""), {"pong:"}},
      {"longest_pong", client_frame(kFinal | 0xa, most), {"pong:" + most}},
      {"pings_in_a_row",
       client_frame(kFinal | 0x9, "1") + client_frame(kFinal | 0x9, "2"),
       {"ping:1", "ping:2"}},
      {"ping_between_fragments",
       client_frame(0x1, "a") + client_frame(kFinal | 0x9, "p") + client_frame(kFinal, "b"),
       {"text", "data:a", "ping:p", "data:b", "end"}},
      {"pong_between_fragments",
       client_frame(0x2, "a") + client_frame(kFinal | 0xa, "p") + client_frame(kFinal, ""),
       {"binary", "data:a", "pong:p", "end"}},
      {"ping_inside_of_a_character",
       client_frame(0x1, "\xc3") + client_frame(kFinal | 0x9, "\xc3") + client_frame(kFinal, "\xa4"),
       {"text", "data:\xc3", "ping:\xc3", "data:\xa4", "end"}},
      {"close", close_frame(1000, "bye"), {"close 1000:bye"}},
      {"close_without_code", client_frame(kFinal | 0x8, ""), {"close:"}},
      {"close_without_reason", close_frame(1001), {"close 1001:"}},
      {"close_with_the_longest_reason",
       close_frame(1000, std::string(123, 'r')),
       {"close 1000:" + std::string(123, 'r')}},
      {"close_with_a_reason_in_utf8",
       close_frame(1000, "tsch\xc3\xbc\xc3\x9f"),
       {"close 1000:tsch\xc3\xbc\xc3\x9f"}},
      {"close_between_fragments",
       client_frame(0x1, "a") + close_frame(1000) + client_frame(kFinal, "b"),
       {"text", "data:a", "close 1000:"}},
      {"nothing_is_parsed_after_close", close_frame(1000) + text_frame("late") + "\xff\xff", {"close 1000:"}},
      {"message_then_close", text_frame("a") + close_frame(1000), {"text", "data:a", "end", "close 1000:"}},
  };
}

FramingCase refused(std::string name, std::string wire, int code, std::string reason, Lines before = {},
                    FrameParser::Settings settings = {}) {
  before.push_back("fail " + std::to_string(code) + ": " + reason);
  return {std::move(name), std::move(wire), std::move(before), settings};
}

std::vector<FramingCase> broken_heads() {
  std::vector<FramingCase> cases = {
      refused("unmasked_text", std::string("\x81\x05Hello", 7), 1002, "unmasked frame"),
      refused("unmasked_ping", std::string("\x89\x00", 2), 1002, "unmasked frame"),
      refused("unmasked_close", std::string("\x88\x00", 2), 1002, "unmasked frame"),
      refused("unmasked_continuation", client_frame(0x1, "a") + std::string("\x80\x01x", 3), 1002,
              "unmasked frame", {"text", "data:a"}),
      refused("compressed_without_agreement", client_frame(0xc1, "a"), 1002, "reserved bit"),
      refused("second_reserved_bit", client_frame(0xa1, "a"), 1002, "reserved bit"),
      refused("third_reserved_bit", client_frame(0x91, "a"), 1002, "reserved bit"),
      refused("all_reserved_bits", client_frame(0xf1, "a"), 1002, "reserved bit", {}, kCompressing),
      refused("second_reserved_bit_beside_compression", client_frame(0xe1, "a"), 1002, "reserved bit", {},
              kCompressing),
      refused("reserved_bit_on_a_ping", client_frame(0x99, ""), 1002, "reserved bit"),
      refused("compressed_ping", client_frame(0xc9, ""), 1002, "compressed bit on this frame", {},
              kCompressing),
      refused("compressed_pong", client_frame(0xca, ""), 1002, "compressed bit on this frame", {},
              kCompressing),
      refused("compressed_close", client_frame(0xc8, ""), 1002, "compressed bit on this frame", {},
              kCompressing),
      refused("compressed_continuation", client_frame(0x41, "a") + client_frame(0xc0, "b"), 1002,
              "compressed bit on this frame", {"text compressed", "data:a"}, kCompressing),
      refused("compressed_continuation_of_a_plain_message", client_frame(0x01, "a") + client_frame(0xc0, "b"),
              1002, "compressed bit on this frame", {"text", "data:a"}, kCompressing),
      refused("length_0_in_16_bits", client_head(0x81, 16, 0), 1002, "length not in its shortest form"),
      refused("length_125_in_16_bits", client_head(0x81, 16, 125), 1002, "length not in its shortest form"),
      refused("length_0_in_64_bits", client_head(0x81, 64, 0), 1002, "length not in its shortest form"),
      refused("length_126_in_64_bits", client_head(0x81, 64, 126), 1002, "length not in its shortest form"),
      refused("length_65535_in_64_bits", client_head(0x81, 64, 65'535), 1002,
              "length not in its shortest form"),
      refused("length_with_the_top_bit", client_head(0x81, 64, 1ull << 63), 1002, "length beyond 63 bits"),
      refused("length_of_all_bits", client_head(0x82, 64, UINT64_MAX), 1002, "length beyond 63 bits"),
      refused("fragmented_ping", client_frame(0x9, "a"), 1002, "fragmented control frame"),
      refused("fragmented_pong", client_frame(0xa, "a"), 1002, "fragmented control frame"),
      refused("fragmented_close", client_frame(0x8, ""), 1002, "fragmented control frame"),
      refused("long_ping", client_frame(0x89, std::string(126, 'p')), 1002, "long control frame"),
      refused("long_pong", client_head(0x8a, 64, 65'536), 1002, "long control frame"),
      refused("long_close", client_frame(0x88, std::string(126, 'p')), 1002, "long control frame"),
      refused("short_ping_in_the_16_bit_form", client_head(0x89, 16, 5), 1002, "long control frame"),
      refused("continuation_of_nothing", client_frame(kFinal, "a"), 1002, "continuation of nothing"),
      refused("unfinished_continuation_of_nothing", client_frame(0, "a"), 1002, "continuation of nothing"),
      refused("continuation_after_the_end", text_frame("a") + client_frame(kFinal, "b"), 1002,
              "continuation of nothing", {"text", "data:a", "end"}),
      refused("continuation_after_the_end_of_fragments",
              client_frame(1, "a") + client_frame(kFinal, "b") + client_frame(0, "c"), 1002,
              "continuation of nothing", {"text", "data:ab", "end"}),
      refused("text_inside_of_a_text", client_frame(1, "a") + text_frame("b"), 1002,
              "message inside of a message", {"text", "data:a"}),
      refused("binary_inside_of_a_text", client_frame(1, "a") + client_frame(2, "b"), 1002,
              "message inside of a message", {"text", "data:a"}),
      refused("text_inside_of_a_binary_after_a_ping",
              client_frame(2, "a") + client_frame(0x89, "") + text_frame("b"), 1002,
              "message inside of a message", {"binary", "data:a", "ping:"}),
      refused("refused_at_the_first_byte", "\x83", 1002, "reserved opcode"),
      refused("refused_at_the_second_byte", std::string("\x81\x00", 2), 1002, "unmasked frame"),
  };
  for (const unsigned opcode : {0x3u, 0x4u, 0x5u, 0x6u, 0x7u, 0xbu, 0xcu, 0xdu, 0xeu, 0xfu}) {
    cases.push_back(refused("reserved_opcode_" + std::to_string(opcode), client_frame(kFinal | opcode, "a"),
                            1002, "reserved opcode"));
    cases.push_back(refused("reserved_opcode_unfinished_" + std::to_string(opcode), client_frame(opcode, ""),
                            1002, "reserved opcode"));
  }
  return cases;
}

std::vector<FramingCase> close_codes() {
  std::vector<FramingCase> cases = {
      refused("close_payload_of_one_byte", client_frame(0x88, "\x03"), 1002, "close code cut short"),
      refused("close_reason_not_utf8", close_frame(1000, "\xff"), 1007, "close reason is not UTF-8"),
      refused("close_reason_cut_inside_of_a_character", close_frame(1000, "a\xc3"), 1007,
              "close reason is not UTF-8"),
      refused("close_reason_with_a_surrogate", close_frame(1000, "\xed\xa0\x80"), 1007,
              "close reason is not UTF-8"),
      refused("bad_code_with_a_bad_reason", close_frame(1005, "\xff"), 1002, "close code that may not be sent"),
  };
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u, 1013u,
                              1014u, 3000u, 3999u, 4000u, 4999u})
    cases.push_back(
        {"close_" + std::to_string(code), close_frame(code, "r"), {"close " + std::to_string(code) + ":r"}});
  for (const unsigned code :
       {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 1999u, 2000u, 2999u, 5000u, 65'535u})
    cases.push_back(refused("close_" + std::to_string(code), close_frame(code, "r"), 1002,
                            "close code that may not be sent"));
  return cases;
}

std::vector<FramingCase> broken_texts() {
  const std::string what = "text is not UTF-8";
  const std::string end = "text ends inside of a character";
  return {
      refused("text_with_a_stray_byte", text_frame("a\x80"), 1007, what, {"text"}),
      refused("text_with_an_overlong_slash", text_frame("\xc0\xaf"), 1007, what, {"text"}),
      refused("text_with_a_surrogate", text_frame("\xed\xa0\x80"), 1007, what, {"text"}),
      refused("text_above_the_last_character", text_frame("\xf4\x90\x80\x80"), 1007, what, {"text"}),
      refused("text_that_breaks_in_its_second_frame", client_frame(1, "ab") + client_frame(kFinal, "\xff"),
              1007, what, {"text"}),
      refused("text_that_breaks_behind_a_ping",
              client_frame(1, "ab") + client_frame(0x89, "") + client_frame(kFinal, "\xff"), 1007, what,
              {"text", "data:ab", "ping:"}),
      refused("text_that_ends_inside_of_a_character", text_frame("a\xe2\x82"), 1007, end, {"text"}),
      refused("fragments_that_end_inside_of_a_character",
              client_frame(1, "\xe2") + client_frame(kFinal, "\x82"), 1007, end, {"text"}),
      refused("fragments_with_an_empty_last_one", client_frame(1, "\xe2") + client_frame(kFinal, ""), 1007, end,
              {"text"}),
      refused("text_fails_before_its_frame_is_complete",
              client_frame(kFinal | 1, "a\xff" + std::string(100, 'x')).substr(0, 8), 1007, what, {"text"}),
      refused("second_text_is_checked_anew", client_frame(0x82, "\xe2") + text_frame("\x82"), 1007, what,
              {"binary", "data:\xe2", "end", "text"}),
      refused("plain_text_after_a_compressed_one", client_frame(0xc1, "\xff") + text_frame("\xff"), 1007, what,
              {"text compressed", "data:\xff", "end", "text"}, kCompressing),
  };
}

std::vector<FramingCase> limits() {
  const FrameParser::Settings ten{10, false};
  const FrameParser::Settings ten_compressed{80, true};  // 154 on the wire
  const std::string what = "message above the limit";
  return {
      {"message_at_the_limit", binary_frame("0123456789"), {"binary", "data:0123456789", "end"}, ten},
      {"fragments_at_the_limit",
       client_frame(2, "01234") + client_frame(0x80, "56789"),
       {"binary", "data:0123456789", "end"},
       ten},
      {"the_limit_is_of_one_message",
       binary_frame("01234567") + binary_frame("89012345"),
       {"binary", "data:01234567", "end", "binary", "data:89012345", "end"},
       ten},
      {"pings_do_not_count",
       client_frame(2, "01234") + client_frame(0x89, "01234567890") + client_frame(0x80, "56789"),
       {"binary", "data:01234", "ping:01234567890", "data:56789", "end"},
       ten},
      {"empty_message_at_limit_0", binary_frame(""), {"binary", "end"}, {0, false}},
      {"empty_fragments_at_the_limit",
       client_frame(2, "0123456789") + client_frame(0x80, ""),
       {"binary", "data:0123456789", "end"},
       ten},
      refused("message_above_limit_0", binary_frame("x"), 1009, what, {}, {0, false}),
      refused("message_above_the_limit", binary_frame("0123456789a"), 1009, what, {}, ten),
      refused("message_above_the_limit_by_its_head", client_head(0x82, 7, 11, ""), 1009, what, {}, ten),
      refused("message_above_the_limit_in_16_bits", client_head(0x82, 16, 300, ""), 1009, what, {}, ten),
      refused("message_above_the_limit_in_64_bits", client_head(0x82, 64, 1ull << 40, ""), 1009, what, {}, ten),
      refused("second_fragment_above_the_limit", client_frame(2, "01234") + client_head(0x80, 7, 6, ""), 1009,
              what, {"binary", "data:01234"}, ten),
      refused("lengths_whose_sum_would_wrap", client_frame(2, "a") + client_head(0, 64, UINT64_MAX >> 1, ""),
              1009, what, {"binary", "data:a"}, {1000, false}),
      {"compressed_message_that_has_grown",
       client_frame(0xc2, std::string(154, 'c')),
       {"binary compressed", "data:" + std::string(154, 'c'), "end"},
       ten_compressed},
      refused("compressed_message_above_the_limit", client_frame(0xc2, std::string(155, 'c')), 1009, what, {},
              ten_compressed),
      refused("plain_message_where_compressed_ones_may_grow", client_frame(0x82, std::string(81, 'c')), 1009,
              what, {}, ten_compressed),
      {"longest_length_is_announced",
       client_head(0x82, 64, UINT64_MAX >> 1) + masked("abc"),
       {"binary", "data:abc"}},
  };
}

std::string case_name(const testing::TestParamInfo<FramingCase>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(messages, Framing, testing::ValuesIn(messages()), case_name);
INSTANTIATE_TEST_SUITE_P(control_frames, Framing, testing::ValuesIn(control_frames()), case_name);
INSTANTIATE_TEST_SUITE_P(broken_heads, Framing, testing::ValuesIn(broken_heads()), case_name);
INSTANTIATE_TEST_SUITE_P(close_codes, Framing, testing::ValuesIn(close_codes()), case_name);
INSTANTIATE_TEST_SUITE_P(broken_texts, Framing, testing::ValuesIn(broken_texts()), case_name);
INSTANTIATE_TEST_SUITE_P(limits, Framing, testing::ValuesIn(limits()), case_name);

}  // namespace
}  // namespace holdfast::websocket
