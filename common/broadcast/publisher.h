// The writing end of one lane: stages records, publishes them together, wakes the readers of other workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/broadcast/record.h"
#include "common/broadcast/segment.h"
#include "common/clock.h"

namespace holdfast::broadcast {

/// Owner of a claimed lane; the destructor gives it back and wakes the readers, who then learn that this origin
/// has ended. What was staged and not published is lost then. One thread at a time.
class Publisher {
 public:
  /// Claims a lane for the process of this seat; empty when all are taken. `segment` outlives the publisher.
  static std::optional<Publisher> claim(const Segment& segment, std::uint32_t seat);
  Publisher(Publisher&& other) noexcept;
  Publisher& operator=(Publisher&&) = delete;
  ~Publisher();

  /// Puts a record behind those that are staged; others see it with the next publish(). False when the payload
  /// is larger than kMostPayload. What takes more than kMostStaged with others is published by itself first.
  bool stage(std::span<const std::byte> payload, WallTime now);
  /// Lets others see all that is staged, at once.
  void publish();
  /// See Segment::wake_others; after publish().
  void wake_others() const { segment_->wake_others(claim_.lane); }
  /// Bytes of the ring that are staged.
  std::size_t staged() const { return (written_ - end_) * sizeof(Word); }
  /// Beyond this much of a ring that is not published, readers would lose too much at once.
  static constexpr std::size_t kMostStaged = 128 * 1024;

  std::uint32_t lane() const { return claim_.lane; }
  Origin origin() const { return {claim_.lane, OwnerStamp::incarnation(claim_.stamp)}; }

 private:
  Publisher(const Segment& segment, const Segment::Claim& claim);
  void take_over();
  void make_room(std::uint64_t end);

  const Segment* segment_;  // null: moved from
  Segment::Claim claim_;
  Lane lane_;
  // What the lane's head says, and what only this process knows yet.
  std::uint64_t tail_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t written_ = 0;   // behind what is staged
  std::uint64_t sequence_ = 0;  // of the next record
};

}  // namespace holdfast::broadcast
