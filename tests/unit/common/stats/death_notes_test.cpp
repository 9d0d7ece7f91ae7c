#include "common/stats/death_notes.h"

#include <gtest/gtest.h>

#include <memory>

#include "common/stats/fuse_table.h"

namespace holdfast::stats {
namespace {

Death death(std::uint64_t pid) {
  Death d;
  d.at = 5;
  d.pid = pid;
  d.number = 11;
  d.signaled = 1;
  d.request = "GET /x";
  d.backtrace = "a.so+0x1 b.so+0x2";
  return d;
}

TEST(DeathNotes, GiveBackWhatWasNoted) {
  const auto notes = std::make_unique<DeathNotes>();
  EXPECT_TRUE(read_deaths(*notes).empty());
  note_death(*notes, death(7));
  const std::vector<Death> read = read_deaths(*notes);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].pid, 7U);
  EXPECT_EQ(read[0].signaled, 1U);
  EXPECT_EQ(read[0].number, 11U);
  EXPECT_EQ(read[0].request, "GET /x");
  EXPECT_EQ(read[0].route, "");
  EXPECT_EQ(read[0].backtrace, "a.so+0x1 b.so+0x2");
}

TEST(DeathNotes, KeepTheLastOnesInTheirOrder) {
  const auto notes = std::make_unique<DeathNotes>();
  for (std::uint64_t pid = 1; pid <= 50; ++pid) note_death(*notes, death(pid));
  const std::vector<Death> read = read_deaths(*notes);
  ASSERT_EQ(read.size(), kDeathsKept);
  EXPECT_EQ(read.front().pid, 31U);
  EXPECT_EQ(read.back().pid, 50U);
}

TEST(DeathNotes, CutWhatIsTooLong) {
  const auto notes = std::make_unique<DeathNotes>();
  Death long_one = death(1);
  long_one.what.assign(3000, 'w');
  note_death(*notes, long_one);
  const Death read = read_deaths(*notes).at(0);
  EXPECT_EQ(read.request, "GET /x");
  EXPECT_EQ(read.what.size(), DeathNote::kTextRoom - read.request.size());
  EXPECT_EQ(read.backtrace, "");
}

TEST(DeathNotes, OverwrittenOnesAreReadWithinTheirBounds) {
  const auto notes = std::make_unique<DeathNotes>();
  note_death(*notes, death(1));
  for (Word& length : notes->notes[0].lengths) length.store(UINT64_MAX);
  notes->count.store(UINT64_MAX);
  EXPECT_EQ(read_deaths(*notes).size(), kDeathsKept);
}

TEST(FuseTable, GivesBackWhatWasWritten) {
  FuseTable table{};
  EXPECT_TRUE(read_fuses(table).empty());
  const FusedRoute routes[] = {{1, 2, 3, 4, 6}, {7, 8, 9, 10, 11}};
  write_fuses(table, routes);
  const std::vector<FusedRoute> read = read_fuses(table);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].site, 1U);
  EXPECT_EQ(read[1].route, 8U);
  EXPECT_FALSE(read[0].holds_for(3));
  EXPECT_TRUE(read[0].holds_for(4));
  EXPECT_TRUE(read[0].holds_for(6));
  EXPECT_FALSE(read[0].holds_for(7));
  write_fuses(table, {});
  EXPECT_TRUE(read_fuses(table).empty());
}

TEST(FuseTable, TakesNoMoreThanItHolds) {
  FuseTable table{};
  write_fuses(table, std::vector<FusedRoute>(100));
  EXPECT_EQ(read_fuses(table).size(), kMostFused);
  table.count.store(UINT64_MAX);
  EXPECT_EQ(read_fuses(table).size(), kMostFused);
}

}  // namespace
}  // namespace holdfast::stats
