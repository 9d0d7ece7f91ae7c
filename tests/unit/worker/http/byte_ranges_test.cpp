#include "worker/http/byte_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::http {
namespace {

using ::testing::ElementsAre;

std::vector<ByteRange> partial(std::string_view value, std::uint64_t size) {
  const RangeSelection selection = select_ranges(value, size);
  EXPECT_EQ(selection.outcome, RangeOutcome::Partial) << value;
  return {selection.selected().begin(), selection.selected().end()};
}

TEST(ByteRanges, ASingleRangeIsTaken) {
  EXPECT_THAT(partial("bytes=0-0", 10), ElementsAre(ByteRange{0, 1}));
  EXPECT_THAT(partial("bytes=2-5", 10), ElementsAre(ByteRange{2, 4}));
  EXPECT_THAT(partial("bytes=5-", 10), ElementsAre(ByteRange{5, 5}));
  EXPECT_THAT(partial("bytes=-3", 10), ElementsAre(ByteRange{7, 3}));
  EXPECT_THAT(partial("Bytes= 2-5 ", 10), ElementsAre(ByteRange{2, 4}));
  EXPECT_THAT(partial("bytes=,2-5,,", 10), ElementsAre(ByteRange{2, 4}));
}

TEST(ByteRanges, TheEndIsCutToTheRepresentation) {
  EXPECT_THAT(partial("bytes=5-100", 10), ElementsAre(ByteRange{5, 5}));
  EXPECT_THAT(partial("bytes=-100", 10), ElementsAre(ByteRange{0, 10}));
  EXPECT_THAT(partial("bytes=9-99999999999999999999999999", 10), ElementsAre(ByteRange{9, 1}));
  EXPECT_THAT(partial("bytes=-99999999999999999999999999", 10), ElementsAre(ByteRange{0, 10}));
  EXPECT_THAT(partial("bytes=0-", UINT64_MAX), ElementsAre(ByteRange{0, UINT64_MAX}));
}

TEST(ByteRanges, WhatLiesBehindTheEndIsUnsatisfiable) {
  for (const char* value :
       {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-", "bytes=20-30, 40-"})
    EXPECT_EQ(select_ranges(value, 10).outcome, RangeOutcome::Unsatisfiable) << value;
  EXPECT_EQ(select_ranges("bytes=0-", 0).outcome, RangeOutcome::Unsatisfiable);
  EXPECT_EQ(select_ranges("bytes=-5", 0).outcome, RangeOutcome::Unsatisfiable);
}

TEST(ByteRanges, AMalformedFieldIsIgnored) {
  for (const char* value :
       {"", "bytes", "bytes=", "bytes=,", "bytes=5", "bytes=-", "bytes=a-b", "bytes=1-2-3", "bytes=+1-2",
        "bytes=5-2", "bytes=0-1,x", "bytes = 0-1", "items=0-1", "bytes=0 -1", "bytes=--1"})
    EXPECT_EQ(select_ranges(value, 10).outcome, RangeOutcome::Whole) << value;
}

TEST(ByteRanges, SeveralRangesKeepTheirOrderWhileTheyAreApart) {
  EXPECT_THAT(partial("bytes=6-7, 0-1 ,-1", 10),
              ElementsAre(ByteRange{6, 2}, ByteRange{0, 2}, ByteRange{9, 1}));
  EXPECT_THAT(partial("bytes=0-1,50-", 10), ElementsAre(ByteRange{0, 2}));
}

TEST(ByteRanges, OverlappingAndTouchingRangesAreJoined) {
  EXPECT_THAT(partial("bytes=5-9,0-5", 10), ElementsAre(ByteRange{0, 10}));
  EXPECT_THAT(partial("bytes=4-5,0-1,2-3", 10), ElementsAre(ByteRange{0, 6}));
  EXPECT_THAT(partial("bytes=8-8,0-5,2-3", 10), ElementsAre(ByteRange{8, 1}, ByteRange{0, 6}));
}

TEST(ByteRanges, WhatIsJoinedStandsWhereItsFirstPartStoodAndTheRestKeepsItsOrder) {
  EXPECT_THAT(partial("bytes=90-99,10-19,50-59,15-24", 100),
              ElementsAre(ByteRange{90, 10}, ByteRange{10, 15}, ByteRange{50, 10}));
  EXPECT_THAT(partial("bytes=60-69,40-49,20-29,50-59", 100), ElementsAre(ByteRange{40, 30}, ByteRange{20, 10}))
      << "the last joins two that were apart";
  EXPECT_THAT(partial("bytes=10-19,80-89,0-4,5-9,20-29", 100),
              ElementsAre(ByteRange{0, 30}, ByteRange{80, 10}));
}

TEST(ByteRanges, TooManyRangesAreIgnored) {
  std::string value = "bytes=";
  for (std::size_t i = 0; i < kMaxRanges; ++i)
    value += std::to_string(i * 2) + "-" + std::to_string(i * 2) + ",";
  EXPECT_EQ(select_ranges(value, 1000).count, kMaxRanges);
  EXPECT_EQ(select_ranges(value + "500-", 1000).outcome, RangeOutcome::Whole);
}

TEST(ByteRanges, AnswersNameTheRangeAndTheSize) {
  std::array<char, kContentRangeRoom> room;
  EXPECT_EQ(content_range(room, {2, 4}, 10), "bytes 2-5/10");
  EXPECT_EQ(unsatisfied_range(room, 10), "bytes */10");
  EXPECT_EQ(content_range(room, {UINT64_MAX - 1, 1}, UINT64_MAX),
            "bytes 18446744073709551614-18446744073709551614/18446744073709551615");
}

}  // namespace
}  // namespace holdfast::http
