// The small pieces that text passes through: ASCII rules, UTF-8, hashing.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "common/ascii.h"
#include "common/text_hash.h"
#include "common/text_room.h"
#include "common/utf8.h"

namespace holdfast {
namespace {

TEST(Ascii, KnowsTokenCharacters) {
  EXPECT_TRUE(is_token("GET"));
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const char* text : {"", "a b", "a:b", "a/b", "a\"b", "a(b", "\x7f", "\xc3\xbc", "a\t"})
    EXPECT_FALSE(is_token(text)) << text;
}

TEST(Ascii, SeesEachByteThatIsNotVisibleAtEachPlaceOfEachLength) {
  for (std::size_t size = 0; size <= 30; ++size) {
    std::string text(size, 'x');
    EXPECT_TRUE(is_visible(text));
    for (std::size_t place = 0; place < size; ++place) {
      for (int c = 0; c < 256; ++c) {
        text[place] = static_cast<char>(c);
        ASSERT_EQ(is_visible(text), c > ' ' && c != 0x7f) << c << " at " << place << " of " << size;
      }
      text[place] = place % 2 == 0 ? 'x' : '\xff';
    }
  }
}

TEST(TextRoom, IsFreed) {
  std::string text(10'000, 'x');
  free_room(text);
  EXPECT_TRUE(text.empty());
  EXPECT_LT(text.capacity(), 100u);
}

TEST(Ascii, FoldsOnlyAsciiLetters) {
  EXPECT_TRUE(ascii_iequals("Content-LENGTH", "content-length"));
  EXPECT_FALSE(ascii_iequals("[", "{"));
  EXPECT_FALSE(ascii_iequals("a", "ab"));
  EXPECT_EQ(ascii_lowered("A[\xc3\x9c"
                          "Z"),
            "a[\xc3\x9c"
            "z");
}

TEST(Ascii, ReadsDecimalsWithoutSignOrOverflow) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("007"), 7u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999"})
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

TEST(Ascii, SplitsListsAndSkipsEmptyElements) {
  std::vector<std::string> elements;
  for_each_list_element(" a,\tb ,, c d ,", [&](std::string_view element) { elements.emplace_back(element); });
  EXPECT_EQ(elements, (std::vector<std::string>{"a", "b", "c d"}));
}

TEST(Ascii, ReadsHexDigits) {
  EXPECT_EQ(hex_value('0'), 0);
  EXPECT_EQ(hex_value('f'), 15);
  EXPECT_EQ(hex_value('F'), 15);
  for (const char c : {'g', '/', ':', '@', '`', '\0'}) EXPECT_EQ(hex_value(c), -1);
}

TEST(Utf8, MeasuresWellFormedCharacters) {
  EXPECT_EQ(utf8_front("a\x80"), 1u);
  EXPECT_EQ(utf8_front("\xc2\x80"), 2u);
  EXPECT_EQ(utf8_front("\xe0\xa0\x80"), 3u);
  EXPECT_EQ(utf8_front("\xed\x9f\xbf"), 3u);
  EXPECT_EQ(utf8_front("\xf0\x90\x80\x80"), 4u);
  EXPECT_EQ(utf8_front("\xf4\x8f\xbf\xbf"), 4u);
}

TEST(Utf8, RefusesOverlongSurrogateCutAndTooLargeCharacters) {
  for (const char* text : {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe2\x82",
                           "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(utf8_front(text), 0u);
}

TEST(TextHash, TellsTextsLengthsAndSeedsApart) {
  std::set<std::uint64_t> hashes;
  std::string text;
  for (int length = 0; length < 200; ++length, text += 'a') {
    hashes.insert(text_hash(text));
    hashes.insert(text_hash(text, 1));
  }
  EXPECT_EQ(hashes.size(), 400u);
}

}  // namespace
}  // namespace holdfast
