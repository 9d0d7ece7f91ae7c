// What happened between two moments, from what the counters said at both: pure arithmetic for the dashboard's
// plots.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/clock.h"
#include "common/stats/stats_reader.h"
#include "common/stats/totals_history.h"

namespace holdfast::admin {

/// Nanoseconds that half, 95 % and 99 % of requests took at most.
struct Percentiles {
  std::uint64_t p50 = 0;
  std::uint64_t p95 = 0;
  std::uint64_t p99 = 0;
};

struct Rates {
  std::uint64_t until = 0;   // wall clock, nanoseconds since 1970
  std::uint64_t length = 0;  // nanoseconds
  std::uint64_t requests = 0;
  std::uint64_t client_errors = 0;
  std::uint64_t server_errors = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::uint64_t connections = 0;           // open at the end
  std::optional<Percentiles> percentiles;  // nothing: no request ended
};

/// The counters of a snapshot that was taken at that time. The admin process's own requests are not among them.
stats::Totals totals_of(const stats::Snapshot& snapshot, TimePoint steady, WallTime wall);

/// `bounds`: of the segment's histograms.
Rates rates_between(const stats::Totals& before, const stats::Totals& after, const stats::BucketBounds& bounds);

/// The value that `share` (0 to 1) of what was counted does not exceed, as if values were spread evenly over
/// their bucket; nanoseconds. Beyond the last bound that bound is answered: more is not known. 0 when nothing
/// was counted.
std::uint64_t percentile(std::span<const std::uint64_t> buckets, const stats::BucketBounds& bounds,
                         double share);

/// The row of `rows` (oldest first) to compare the last one with for a look at the last `span`: the youngest
/// that is so old, or the oldest of all. `rows` must not be empty.
const stats::Totals& row_before(std::span<const stats::Totals> rows, Duration span);

}  // namespace holdfast::admin
