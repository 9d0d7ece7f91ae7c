// What the counters of all workers together have said in the last minutes, a row a second: the dashboard draws
// its plots from it. Written by the admin process; because it stands in the shared segment it outlives that
// process, so that a page opened right after a reload shows what was before it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/stats/metric_table.h"
#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr std::size_t kTotalsKept = 601;  // ten minutes, with the row before them

/// All counters at one moment. They never fall; what happened between two moments is the difference.
struct Totals {
  std::uint64_t steady = 0;  // steady clock, nanoseconds: what rates are computed with
  std::uint64_t wall = 0;    // wall clock, nanoseconds since 1970: what people are shown
  std::uint64_t requests = 0;
  std::uint64_t client_errors = 0;  // 4xx
  std::uint64_t server_errors = 0;  // 5xx
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::uint64_t connections = 0;                                    // open then; this one does fall
  std::array<std::uint64_t, kBucketBounds.size() + 1> durations{};  // of requests, by bucket; not cumulative
};

struct TotalsHistory {
  static constexpr std::size_t kNumbers = 8 + kBucketBounds.size() + 1;

  Word sequence;  // odd while a row is being written
  Word writer;    // pid of the process that writes: see TotalsWriter
  Word count;     // of all rows that were ever written; the last kTotalsKept are there
  Word rows[kTotalsKept][kNumbers];
};

/// Oldest first.
std::vector<Totals> read_totals(const TotalsHistory& history);

/// One admin process replaces the other, and both live for a moment: the younger one takes the pen with its
/// construction, before it writes its first row, and the elder sees that it has lost it. It takes it back when
/// no row has come for a while: the younger one has died, or the reload that brought it has failed.
class TotalsWriter {
 public:
  static constexpr std::uint64_t kSilence = 2'500'000'000;  // nanoseconds

  TotalsWriter(TotalsHistory& history, std::uint64_t pid);
  /// False: another process writes.
  bool append(const Totals& totals);

 private:
  bool may_write(std::uint64_t now) const;

  TotalsHistory& history_;
  const std::uint64_t pid_;
};

}  // namespace holdfast::stats
