#include "worker/websocket/utf8_checker.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "common/utf8.h"
#include "tests/support/guarded_buffer.h"
#include "worker/websocket/ascii_run.h"

namespace holdfast::websocket {
namespace {

using namespace std::string_view_literals;

struct Checked {
  bool valid_so_far = true;
  bool complete = true;
  bool operator==(const Checked&) const = default;
};

Checked check(std::string_view text, std::size_t step = SIZE_MAX) {
  Utf8Checker checker;
  Checked checked;
  while (!text.empty()) {
    const support::GuardedBuffer piece(text.substr(0, step));
    checked.valid_so_far = checker.take(piece.bytes());
    text.remove_prefix(piece.bytes().size());
  }
  checked.complete = checker.complete();
  return checked;
}

struct TextCase {
  std::string_view text;
  bool valid_so_far;
  bool complete;
};

constexpr TextCase kTexts[] = {
    {""sv, true, true},
    {"\0"sv, true, true},
    {"plain"sv, true, true},
    {"\x7f"sv, true, true},
    {"sixteen bytes ok"sv, true, true},
    {"sixteen bytes ok\xc3\xa4 and so on for long"sv, true, true},
    {"fifteen bytes o\xc3\xa4 and so on for long"sv, true, true},
    {"sixteen bytes ok\x80 and so on for long"sv, false, false},
    {"fifteen bytes o\xff"sv, false, false},
    {"\xc2\x80"sv, true, true},
    {"\xdf\xbf"sv, true, true},
    {"\xe0\xa0\x80"sv, true, true},
    {"\xed\x9f\xbf"sv, true, true},
    {"\xee\x80\x80"sv, true, true},
    {"\xef\xbf\xbd"sv, true, true},
    {"\xef\xbf\xbf"sv, true, true},
    {"\xef\xbb\xbf with a byte order mark"sv, true, true},
    {"\xf0\x90\x80\x80"sv, true, true},
    {"\xf4\x8f\xbf\xbf"sv, true, true},
    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"sv, true, true},
    // Cut inside of a character: could still become valid.
    {"\xc2"sv, true, false},
    {"\xe2\x82"sv, true, false},
    {"\xe0\xa0"sv, true, false},
    {"\xf0\x9f\x98"sv, true, false},
    {"\xf4\x8f"sv, true, false},
    // Cut, and no further byte could mend it.
    {"\xe0\x80"sv, false, false},
    {"\xe0\x9f"sv, false, false},
    {"\xed\xa0"sv, false, false},
    {"\xf0\x8f"sv, false, false},
    {"\xf4\x90"sv, false, false},
    // Never valid.
    {"\x80"sv, false, false},
    {"\xbf"sv, false, false},
    {"\xc0"sv, false, false},
    {"\xc1"sv, false, false},
    {"\xc0\x80"sv, false, false},
    {"\xf5"sv, false, false},
    {"\xf8\x88\x80\x80\x80"sv, false, false},
    {"\xfc\x84\x80\x80\x80\x80"sv, false, false},
    {"\xfe"sv, false, false},
    {"\xff"sv, false, false},
    {"\xc2\x41"sv, false, false},
    {"\xc2\xc2"sv, false, false},
    {"\xe2\x82\x41"sv, false, false},
    {"\xe2\x41\x82"sv, false, false},
    {"\xe2\x82\xe2"sv, false, false},
    {"\xf0\x9f\x98\x41"sv, false, false},
    {"\xf0\x9f\x98\xf0"sv, false, false},
    {"\xed\xbf\xbf"sv, false, false},
    {"\xed\xa0\x80\xed\xb0\x80"sv, false, false},
    {"\xf4\x8f\xbf\xc0"sv, false, false},
    {"\xc3\xa4\xa4"sv, false, false},
};

TEST(Utf8Checker, tells_valid_unfinished_and_broken_apart) {
  for (const TextCase& row : kTexts)
    for (const std::size_t step : {std::size_t{SIZE_MAX}, std::size_t{1}, std::size_t{2}, std::size_t{17}}) {
      const Checked checked = check(row.text, step);
      EXPECT_EQ(checked, (Checked{row.valid_so_far, row.complete}))
          << testing::PrintToString(row.text) << " by " << step;
    }
}

TEST(Utf8Checker, agrees_with_the_whole_text_check_on_every_three_bytes) {
  for (unsigned first = 0x70; first <= 0xff; ++first)
    for (unsigned second = 0x70; second <= 0xd0; ++second)
      for (unsigned third = 0x7e; third <= 0xc2; ++third) {
        const std::string text{static_cast<char>(first), static_cast<char>(second), static_cast<char>(third)};
        std::string_view rest = text;
        while (const std::size_t size = utf8_front(rest)) rest.remove_prefix(size);
        Utf8Checker checker;
        const bool valid = checker.take(std::as_bytes(std::span(text))) && checker.complete();
        ASSERT_EQ(valid, rest.empty()) << first << ' ' << second << ' ' << third;
      }
}

TEST(Utf8Checker, every_character_is_valid_and_no_surrogate_is) {
  for (std::uint32_t point = 0; point <= 0x110000; ++point) {
    std::string text;
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
    if (point < 0x80)
      text = {static_cast<char>(point)};
    else if (point < 0x800)
      text = {static_cast<char>(0xc0 | point >> 6), tail(0)};
    else if (point < 0x10000)
      text = {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
    else
      text = {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
    Utf8Checker checker;
    const bool valid = checker.take(std::as_bytes(std::span(text))) && checker.complete();
    ASSERT_EQ(valid, point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) << point;
  }
}

TEST(Utf8Checker, stays_broken_until_reset) {
  Utf8Checker checker;
  const auto take = [&](std::string_view text) { return checker.take(std::as_bytes(std::span(text))); };
  EXPECT_FALSE(take("\xff"));
  EXPECT_FALSE(take("fine"));
  EXPECT_FALSE(take(""));
  EXPECT_FALSE(checker.complete());
  checker.reset();
  EXPECT_TRUE(checker.complete());
  EXPECT_TRUE(take("fine\xe0"));
  checker.reset();
  EXPECT_TRUE(take("\x80"sv.substr(1)));
  EXPECT_TRUE(take("\xc2\x80"));
}

TEST(Utf8Checker, random_texts_are_judged_alike_whole_and_cut) {
  std::mt19937 random(3629);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 40, 'a');
    for (unsigned changes = random() % 4; changes > 0 && !text.empty(); --changes)
      text.insert(random() % text.size(), random() % 2 == 0 ? "\xe2\x82\xac" : "\xf0\x9f\x98\x80");
    if (random() % 2 == 0 && !text.empty()) text[random() % text.size()] = static_cast<char>(random());
    EXPECT_EQ(check(text, 1 + random() % 20), check(text)) << testing::PrintToString(text);
  }
}

TEST(AsciiRun, finds_the_first_high_byte_at_every_place) {
  for (std::size_t size = 0; size <= 70; ++size)
    for (std::size_t at = 0; at <= size; ++at) {
      std::string text(size, '\x7f');
      if (at < size) text[at] = '\x80';
      if (at + 1 < size) text[size - 1] = '\xff';
      const support::GuardedBuffer buffer(text);
      ASSERT_EQ(ascii_run(buffer.bytes()), at);
      ASSERT_EQ(ascii_run_bytewise(buffer.bytes()), at);
    }
}

}  // namespace
}  // namespace holdfast::websocket
