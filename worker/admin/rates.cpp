#include "worker/admin/rates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace holdfast::admin {
namespace {

using stats::Metric;

/// Counters do not fall; should a row be damaged all the same, nothing happened.
std::uint64_t rise(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

void add_series(stats::Totals& totals, const stats::SeriesSum& sum) {
  if (sum.key.metric == Metric::HttpRequestBytes) totals.request_bytes += sum.value;
  if (sum.key.metric == Metric::HttpResponseBytes) totals.response_bytes += sum.value;
  if (sum.key.metric != Metric::HttpRequests) return;
  totals.requests += sum.value;
  if (sum.key.c / 100 == 4) totals.client_errors += sum.value;
  if (sum.key.c / 100 == 5) totals.server_errors += sum.value;
}

}  // namespace

stats::Totals totals_of(const stats::Snapshot& snapshot, TimePoint steady, WallTime wall) {
  stats::Totals totals;
  totals.steady = static_cast<std::uint64_t>(std::chrono::nanoseconds(steady.time_since_epoch()).count());
  totals.wall = static_cast<std::uint64_t>(std::chrono::nanoseconds(wall.time_since_epoch()).count());
  for (const stats::SeriesSum& sum : snapshot.series) add_series(totals, sum);
  for (const stats::HistogramSum& sum : snapshot.histograms)
    if (sum.key.metric == Metric::HttpRequestDuration)
      for (std::size_t i = 0; i < sum.buckets.size(); ++i) totals.durations[i] += sum.buckets[i];
  for (const stats::ProcessView& process : snapshot.processes)
    if (process.slot != stats::kAdminSlot) totals.connections += process.connections;
  return totals;
}

Rates rates_between(const stats::Totals& before, const stats::Totals& after,
                    const stats::BucketBounds& bounds) {
  Rates rates;
  rates.until = after.wall;
  rates.length = rise(before.steady, after.steady);
  rates.requests = rise(before.requests, after.requests);
  rates.client_errors = rise(before.client_errors, after.client_errors);
  rates.server_errors = rise(before.server_errors, after.server_errors);
  rates.request_bytes = rise(before.request_bytes, after.request_bytes);
  rates.response_bytes = rise(before.response_bytes, after.response_bytes);
  rates.connections = after.connections;
  std::array<std::uint64_t, stats::kBucketBounds.size() + 1> buckets{};
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] = rise(before.durations[i], after.durations[i]);
  if (std::ranges::any_of(buckets, [](std::uint64_t count) { return count > 0; }))
    rates.percentiles = Percentiles{percentile(buckets, bounds, 0.5), percentile(buckets, bounds, 0.95),
                                    percentile(buckets, bounds, 0.99)};
  return rates;
}

std::uint64_t percentile(std::span<const std::uint64_t> buckets, const stats::BucketBounds& bounds,
                         double share) {
  const auto total = static_cast<double>(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}));
  if (total == 0) return 0;
  const double wanted = share * total;
  double below = 0;
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < std::min(buckets.size(), bounds.size()) && bounds[i] != stats::kNoBound; ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= wanted) {
      const auto width = static_cast<double>(bounds[i] - low);
      return low + static_cast<std::uint64_t>(std::llround(width * (wanted - below) / here));
    }
    below += here;
    low = bounds[i];
  }
  return low;
}

const stats::Totals& row_before(std::span<const stats::Totals> rows, Duration span) {
  const auto length = static_cast<std::uint64_t>(std::chrono::nanoseconds(span).count());
  const std::uint64_t end = rows.back().steady;
  const std::uint64_t begin = end > length ? end - length : 0;
  // Rows come a second apart, give or take a few milliseconds.
  constexpr std::uint64_t kSlack = 500'000'000;
  for (std::size_t i = rows.size() - 1; i > 0; --i)
    if (rows[i - 1].steady <= begin + kSlack) return rows[i - 1];
  return rows.front();
}

}  // namespace holdfast::admin
