// The memory of the limits that all workers share: a memory file, made and mapped by the master before the
// first fork and inherited by all, of fixed size; pages that nobody used take no memory. It lives as long as
// the master, so that neither a reload nor the end of a worker resets a limit.
#pragma once

#include <cstdint>
#include <span>

#include "common/clock.h"
#include "common/keyed_hash.h"
#include "common/limits/address_counts.h"
#include "common/limits/arrival_table.h"
#include "common/result.h"
#include "common/shared_memory.h"

namespace holdfast::limits {

inline constexpr std::size_t kRegionBuckets = 16384;
inline constexpr std::size_t kRegions = 8;

struct SharedLayout;  // known to shared_limits.cpp only

/// Owner of the memory, see SharedMemory.
class SharedLimits {
 public:
  static Result<SharedLimits> create();
  /// What another master made; ErrorKind::Unavailable when its version had another layout.
  static Result<SharedLimits> attach(Fd file);
  int fd() const { return memory_.fd(); }

  /// The region of the table of rates for limits of this pace. `made_up`: clients can invent keys.
  std::span<Bucket> rates(const Pace& pace, bool made_up) const;
  /// A time in the unit of that table.
  std::uint64_t microseconds(TimePoint now) const;
  /// The counts of connections, one for each seat of the statistics.
  std::span<SeatCounts> seats() const;
  /// Master only, for a seat whose process is gone: forgets the connections it had counted.
  void clear_seat(std::uint32_t seat);
  const HashSecret& secret() const;

 private:
  explicit SharedLimits(SharedMemory memory) : memory_(std::move(memory)) {}
  SharedLayout& layout() const { return *static_cast<SharedLayout*>(memory_.get()); }

  SharedMemory memory_;
};

}  // namespace holdfast::limits
