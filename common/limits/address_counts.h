// How many connections each address has open, over all workers: an array of counts in shared memory for each
// seat, written by the worker of that seat alone, summed over the seats in use by whoever asks. What a worker
// that was killed had counted goes away as a whole, when the master clears its seat.
//
// A word holds a tag (40 bits of the address's keyed hash) and a count (24 bits); 0 is a free place. A worker
// has room for 131,072 addresses at a time; one whose sixteen places are all taken by others is not counted,
// which an attacker cannot aim at and which helps him only with more addresses than the limit could hold back.
#pragma once

#include <cstdint>
#include <span>

#include "common/limits/slot_set.h"
#include "common/stats/stats_segment.h"

namespace holdfast::limits {

inline constexpr std::size_t kSeatBuckets = 16384;
/// One worker's counts. Pages that are not used take no memory.
struct SeatCounts {
  Bucket buckets[kSeatBuckets];
};

/// One worker's hold on the counts of all. `seats` and `segment` outlive it.
class AddressCounts {
 public:
  /// `seats`: as many as the segment has; `seat`: that of this process.
  AddressCounts(std::span<SeatCounts> seats, const stats::Segment& segment, std::uint32_t seat)
      : seats_(seats), segment_(segment), seat_(seat) {}

  /// Counts one connection more of the address with this hash. False, and nothing is counted, when there are
  /// `limit` of them already. Never lets more through, whatever other workers do at the same moment.
  bool take(std::uint64_t hash, std::uint64_t limit);
  /// One that was taken has ended.
  void give_back(std::uint64_t hash);
  /// Over all workers.
  std::uint64_t sum(std::uint64_t hash) const;

 private:
  bool in_use(std::uint32_t seat) const;

  std::span<SeatCounts> seats_;
  const stats::Segment& segment_;
  std::uint32_t seat_;
};

}  // namespace holdfast::limits
