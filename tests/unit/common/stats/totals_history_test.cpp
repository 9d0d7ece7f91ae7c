#include "common/stats/totals_history.h"

#include <gtest/gtest.h>

#include <memory>

namespace holdfast::stats {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Totals at_second(std::uint64_t second) {
  Totals totals;
  totals.steady = second * kSecond;
  totals.wall = totals.steady + 5;
  totals.requests = second * 10;
  totals.connections = 7;
  totals.durations[3] = second;
  totals.durations.back() = second + 1;
  return totals;
}

class TotalsHistoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<TotalsHistory> history = std::make_unique<TotalsHistory>();
};

TEST_F(TotalsHistoryTest, GivesBackWhatWasWritten) {
  EXPECT_TRUE(read_totals(*history).empty());
  TotalsWriter writer(*history, 100);
  EXPECT_TRUE(writer.append(at_second(1)));
  EXPECT_TRUE(writer.append(at_second(2)));
  const std::vector<Totals> rows = read_totals(*history);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].steady, kSecond);
  EXPECT_EQ(rows[1].wall, 2 * kSecond + 5);
  EXPECT_EQ(rows[1].requests, 20u);
  EXPECT_EQ(rows[1].connections, 7u);
  EXPECT_EQ(rows[1].durations[3], 2u);
  EXPECT_EQ(rows[1].durations.back(), 3u);
}

TEST_F(TotalsHistoryTest, KeepsTheLastRows) {
  TotalsWriter writer(*history, 100);
  for (std::uint64_t second = 1; second <= kTotalsKept + 5; ++second) writer.append(at_second(second));
  const std::vector<Totals> rows = read_totals(*history);
  ASSERT_EQ(rows.size(), kTotalsKept);
  EXPECT_EQ(rows.front().steady, 6 * kSecond);
  EXPECT_EQ(rows.back().steady, (kTotalsKept + 5) * kSecond);
}

TEST_F(TotalsHistoryTest, IsWrittenByTheYoungerOfTwo) {
  TotalsWriter elder(*history, 100);
  EXPECT_TRUE(elder.append(at_second(1)));
  TotalsWriter younger(*history, 200);
  EXPECT_FALSE(elder.append(at_second(2))) << "before the younger one has written anything";
  EXPECT_TRUE(younger.append(at_second(2)));
  EXPECT_FALSE(elder.append(at_second(3)));
  EXPECT_EQ(read_totals(*history).size(), 2u);
}

TEST_F(TotalsHistoryTest, IsTakenBackFromOneThatIsSilent) {
  TotalsWriter elder(*history, 100);
  elder.append(at_second(1));
  {
    TotalsWriter younger(*history, 200);
    younger.append(at_second(2));
  }
  EXPECT_FALSE(elder.append(at_second(4)));
  EXPECT_TRUE(elder.append(at_second(5)));
  EXPECT_TRUE(elder.append(at_second(6)));
  EXPECT_EQ(read_totals(*history).size(), 4u);
}

TEST_F(TotalsHistoryTest, SurvivesAWriterThatDiedInTheMiddle) {
  TotalsWriter(*history, 100).append(at_second(1));
  history->sequence.store(history->sequence.load() + 1);
  TotalsWriter(*history, 200).append(at_second(2));
  EXPECT_EQ(history->sequence.load() % 2, 0u) << "readers wait no more";
  EXPECT_EQ(read_totals(*history).size(), 2u);
}

}  // namespace
}  // namespace holdfast::stats
