// The memory through which workers tell each other things: a memory file, made and mapped by the master before
// the first fork and inherited by all, of fixed size; pages that nobody used take no memory. It lives as long
// as the master, so that what was said is there for workers that are born later, and old and new workers of a
// reload hear each other.
//
// It has lanes, each with one writer at a time, and no locks: a process that dies or hangs at any instruction
// stops nobody. There is no back-pressure either, for then one worker that hangs would stop all others: rings
// are large, who is slower than a whole ring loses the oldest records and is told how many.
#pragma once

#include <cstdint>
#include <optional>

#include "common/broadcast/lane.h"
#include "common/result.h"
#include "common/shared_memory.h"

namespace holdfast::broadcast {

struct Layout;  // the mapped bytes; known to segment.cpp only

/// Owner of the memory, see SharedMemory; what views its lanes must be gone before it is.
class Segment {
 public:
  /// Master, before the first fork.
  static Result<Segment> create();
  /// What another master made; ErrorKind::Unavailable when its version had another layout.
  static Result<Segment> attach(Fd file);
  int fd() const { return memory_.fd(); }

  /// 64 random bits, never 0: what other hosts tell this one by. Those of a master, whoever reloads; a master
  /// that takes over from another one has its own.
  std::uint64_t host_id() const;

  struct Claim {
    std::uint32_t lane = 0;
    std::uint64_t stamp = 0;  // see OwnerStamp
  };
  /// Takes the first free lane for the process of this seat; empty when all are taken. See Publisher, which
  /// gives it back.
  std::optional<Claim> claim_lane(std::uint32_t seat) const;
  /// The owner has ended: others may have the lane. Does nothing when it is no longer the owner.
  void give_back(const Claim& claim) const;
  /// Master only, for a seat whose process is gone, whether it had a lane or not: frees what it had and wakes
  /// all readers, for it may have died when it was about to.
  void free_lanes_of(std::uint32_t seat) const;

  /// Lanes from this one on have never been owned. A reader that does not see a lane here which was used before
  /// it armed its doorbell is rung, as for the lane's records.
  std::uint32_t lanes_used() const;
  /// `index` < kLanes. The view lives as long as the segment.
  Lane lane(std::uint32_t index) const;
  /// After something was published: wakes all readers that sleep but that of lane `own`. A system call for each
  /// of those; none for readers that are awake.
  void wake_others(std::uint32_t own) const;

 private:
  explicit Segment(SharedMemory memory) : memory_(std::move(memory)) {}
  Layout& layout() const { return *static_cast<Layout*>(memory_.get()); }

  SharedMemory memory_;
};

}  // namespace holdfast::broadcast
