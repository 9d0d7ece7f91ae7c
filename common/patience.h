// Patience: how long a peer is waited for that has to send or to take bytes. Each byte earns it time, at the
// slowest rate that is accepted, up to a limit: so nothing at all for the limit is too slow, and so is less
// than the rate for long, while a pause or a burst is neither. The clock stands while it is not the peer's
// turn. Pure: time is passed in.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace holdfast {

class Patience {
 public:
  /// `rate` in bytes a second; 0: each byte earns the whole limit. What has been earned so far stays as it is
  /// unless this changes something.
  void set(Milliseconds limit, std::uint64_t rate);
  /// All of the limit again; the clock stands.
  void refill();

  /// It is the peer's turn from now on; changes nothing when it was. A peer that was kept waiting has a moment
  /// to notice.
  void run(TimePoint now);
  void stand(TimePoint now);
  bool runs() const { return deadline_ != kNever; }

  /// The peer has moved so many bytes, whether or not the clock runs.
  void moved(std::uint64_t bytes, TimePoint now);
  /// When patience ends; kNever while the clock stands.
  TimePoint deadline() const { return deadline_; }
  /// Whether bytes came within the limit: then too few of them is what is wrong.
  bool trickles(TimePoint now) const { return rate_ != 0 && last_move_ + limit_ > now; }
  Milliseconds limit() const { return limit_; }

 private:
  Duration earned_by(std::uint64_t bytes) const;

  Milliseconds limit_{};
  std::uint64_t rate_ = 0;
  Duration left_{};  // while the clock stands
  TimePoint deadline_ = kNever;
  TimePoint last_move_{};
};

}  // namespace holdfast
