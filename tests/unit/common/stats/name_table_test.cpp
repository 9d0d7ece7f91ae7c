#include "common/stats/name_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast::stats {
namespace {

TEST(NameTable, KeepsANumberForEachName) {
  Segment segment = std::move(Segment::create()).value();
  const std::uint16_t first = segment.intern_site("example.org");
  const std::uint16_t second = segment.intern_site("example.com");
  EXPECT_NE(first, second);
  EXPECT_EQ(segment.intern_site("example.org"), first);
  EXPECT_EQ(segment.site_index("example.com"), second);
  EXPECT_EQ(segment.site_name(first), "example.org");
  EXPECT_EQ(segment.site_count(), 3u);
}

TEST(NameTable, HasOtherAtZero) {
  Segment segment = std::move(Segment::create()).value();
  EXPECT_EQ(segment.site_name(0), "other");
  EXPECT_EQ(segment.site_index("never interned"), 0u);
  EXPECT_EQ(segment.intern_site("other"), 0u);
  EXPECT_EQ(segment.site_name(999), "other");
  EXPECT_EQ(segment.listener_name(0), "other");
}

TEST(NameTable, AnswersOtherWhenItIsFull) {
  Segment segment = std::move(Segment::create()).value();
  std::set<std::uint16_t> numbers;
  for (std::uint32_t i = 1; i < kMaxListeners; ++i)
    numbers.insert(segment.intern_listener("l" + std::to_string(i)));
  EXPECT_EQ(numbers.size(), kMaxListeners - 1);
  EXPECT_EQ(segment.intern_listener("one too many"), 0u);
  EXPECT_EQ(segment.listener_name(segment.listener_index("l77")), "l77");
}

TEST(NameTable, KeepsLongAndUnprintableNamesApart) {
  Segment segment = std::move(Segment::create()).value();
  const std::string front(80, 'a');
  std::set<std::uint16_t> numbers;
  for (const std::string& name : {front + "1", front + "2", std::string("a\nb"), std::string("a\tb"),
                                  std::string("a\xff"), std::string("a\0b", 3), std::string("a\0c", 3)}) {
    const std::uint16_t number = segment.intern_site(name);
    EXPECT_EQ(segment.site_index(name), number);
    numbers.insert(number);
    const std::string_view stored = segment.site_name(number);
    EXPECT_LE(stored.size(), 63u);
    for (const char c : stored) EXPECT_TRUE(c >= ' ' && c < 0x7f) << stored;
  }
  EXPECT_EQ(numbers.size(), 7u);
  EXPECT_EQ(numbers.count(0), 0u);
}

TEST(NameTable, KeepsReadableNamesAsTheyAre) {
  EXPECT_STREQ(stored_name("b\xc3\xbc"
                           "cher.example")
                   .text,
               "b\xc3\xbc"
               "cher.example");
  EXPECT_STREQ(stored_name(std::string(63, 'x')).text, std::string(63, 'x').c_str());
}

}  // namespace
}  // namespace holdfast::stats
