// limits.connections over all workers: the gauges that each worker keeps in its seat of the statistics, summed.
// No word is written for it, and a worker that is killed is out of the sum as soon as its seat is free.
#pragma once

#include <cstdint>

#include "common/stats/stats_segment.h"

namespace holdfast::limits {

/// One worker's view. `segment` outlives it.
class ConnectionTotal {
 public:
  /// `seat`: of this process; `limit`: of all workers together, of which there should be `workers`.
  ConnectionTotal(const stats::Segment& segment, std::uint32_t seat, std::uint64_t limit,
                  std::uint32_t workers);

  /// This worker, which has `own` connections open, may accept no more. Workers that ask at the same moment may
  /// all be told that there is room for one: the limit is passed by the others' ones then, and by no more.
  bool full(std::uint64_t own) const { return own >= reserve_ && claimed(own) >= limit_; }

 private:
  std::uint64_t claimed(std::uint64_t own) const;

  const stats::Segment& segment_;
  std::uint32_t seat_;
  std::uint64_t limit_;
  // With so many a worker need not look at the others, who count it as having them: a sixteenth of the limit is
  // kept for that among all, and nothing of a small one, which is exact.
  std::uint64_t reserve_;
};

}  // namespace holdfast::limits
