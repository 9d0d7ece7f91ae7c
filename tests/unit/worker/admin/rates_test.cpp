#include "worker/admin/rates.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/worker/admin/sample_segment.h"

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSecond = 1'000'000'000;
using Buckets = std::array<std::uint64_t, stats::kBucketBounds.size() + 1>;

TEST(Percentile, LiesWithinItsBucketInProportion) {
  Buckets buckets{};
  buckets[3] = 100;  // 0.5 ms to 1 ms
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.5), 750'000u);
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.95), 975'000u);
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 1), 1'000'000u);
}

TEST(Percentile, BeginsTheFirstBucketAtZero) {
  Buckets buckets{};
  buckets[0] = 4;
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.5), 50'000u);
}

TEST(Percentile, SkipsEmptyBuckets) {
  Buckets buckets{};
  buckets[1] = 90;
  buckets[6] = 10;  // 5 ms to 10 ms
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.9), 250'000u)
      << "the end of its bucket, not a point in the next";
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.95), 7'500'000u);
}

TEST(Percentile, KnowsNothingBeyondTheLastBound) {
  Buckets buckets{};
  buckets.back() = 3;
  EXPECT_EQ(percentile(buckets, stats::kBucketBounds, 0.5), stats::kBucketBounds.back());
  EXPECT_EQ(percentile(Buckets{}, stats::kBucketBounds, 0.5), 0u) << "nothing was counted";
}

TEST(Percentile, GoesByTheBoundsThatAreInUse) {
  stats::BucketBounds bounds;
  bounds.fill(stats::kNoBound);
  bounds[0] = 1000;
  bounds[1] = 3000;
  Buckets buckets{};
  buckets[1] = 10;
  EXPECT_EQ(percentile(buckets, bounds, 0.5), 2000u);
  buckets[2] = 90;  // without a bound
  EXPECT_EQ(percentile(buckets, bounds, 0.5), 3000u);
}

TEST(Rates, AreWhatHappenedBetweenTwoMoments) {
  stats::Totals before, after;
  before.steady = 5 * kSecond;
  after.steady = 7 * kSecond;
  after.wall = 99;
  before.requests = 100;
  after.requests = 150;
  after.client_errors = 3;
  after.server_errors = 1;
  before.response_bytes = 1000;
  after.response_bytes = 5000;
  before.connections = 9;
  after.connections = 4;
  before.durations[3] = after.durations[3] = 1000;  // of before: they do not count
  after.durations[6] = 10;
  const Rates rates = rates_between(before, after, stats::kBucketBounds);
  EXPECT_EQ(rates.until, 99u);
  EXPECT_EQ(rates.length, 2 * kSecond);
  EXPECT_EQ(rates.requests, 50u);
  EXPECT_EQ(rates.client_errors, 3u);
  EXPECT_EQ(rates.server_errors, 1u);
  EXPECT_EQ(rates.response_bytes, 4000u);
  EXPECT_EQ(rates.connections, 4u);
  ASSERT_TRUE(rates.percentiles);
  EXPECT_EQ(rates.percentiles->p50, 7'500'000u);
  EXPECT_EQ(rates.percentiles->p99, 9'950'000u);
}

TEST(Rates, HaveNoPercentilesWithoutRequestsAndNeverFall) {
  stats::Totals before, after;
  before.requests = 10;
  const Rates rates = rates_between(before, after, stats::kBucketBounds);
  EXPECT_EQ(rates.requests, 0u);
  EXPECT_FALSE(rates.percentiles);
}

TEST(Rates, CompareWithTheYoungestRowThatIsOldEnough) {
  std::vector<stats::Totals> rows(1);
  EXPECT_EQ(&row_before(rows, 60s), &rows[0]);
  rows.resize(100);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].steady = (1000 + i) * kSecond + i * 1'000'000;
  EXPECT_EQ(&row_before(rows, 1s), &rows[98]);
  EXPECT_EQ(&row_before(rows, 60s), &rows[39]);
  EXPECT_EQ(&row_before(rows, 1h), &rows[0]);
  rows.back().steady += 10 * kSecond;
  EXPECT_EQ(&row_before(rows, 1s), &rows[98]) << "after a pause";
}

TEST(Totals, AddUpWhatWorkersCounted) {
  SampleSegment sample;
  sample.count(sample.first, sample.site, 200, 5);
  sample.count(sample.second, sample.site, 404, 2);
  sample.count(sample.second, 0, 503, 1);
  sample.segment.seat(sample.first).activity.connections.store(3);
  sample.segment.seat(sample.admin).activity.connections.store(8);
  const stats::Totals totals = totals_of(stats::take_snapshot(sample.segment), TimePoint(7s), WallTime(9s));
  EXPECT_EQ(totals.steady, 7 * kSecond);
  EXPECT_EQ(totals.wall, 9 * kSecond);
  EXPECT_EQ(totals.requests, 8u);
  EXPECT_EQ(totals.client_errors, 2u);
  EXPECT_EQ(totals.server_errors, 1u);
  EXPECT_EQ(totals.connections, 3u) << "without those of the admin process";
  EXPECT_EQ(totals.durations[2], 8u) << "300 microseconds each";
}

}  // namespace
}  // namespace holdfast::admin
