// Timers of one event loop: intrusive, O(1) to arm and to cancel. Arming a later deadline only stores it: the
// timer moves when its old place comes up, so that re-arming for each request costs two words. Resolution is
// one tick (16 ms); a timer never fires early. Deadlines beyond the wheel's horizon (about 65 s) go round
// again.
#pragma once

#include <array>
#include <cstdint>

#include "common/clock.h"
#include "worker/loop/step_counter.h"

namespace holdfast::loop {

class TimerWheel;

/// Something with one deadline. Lives in its owner; unlinks itself on destruction. on_timer() may arm it again.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 protected:
  ~Timer() { unlink(); }
  virtual void on_timer(TimePoint now) = 0;

 private:
  friend class TimerWheel;
  void unlink();
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  TimePoint deadline_ = kNever;
  std::uint64_t tick_ = 0;  // where it is linked
};

class TimerWheel {
 public:
  /// `steps`: counts each timer that fires; outlives the wheel.
  explicit TimerWheel(TimePoint start, StepCounter* steps = nullptr);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// kNever cancels.
  void arm(Timer& timer, TimePoint deadline);
  void cancel(Timer& timer);
  static TimePoint deadline_of(const Timer& timer) { return timer.deadline_; }

  /// Fires everything due at `now`.
  void advance(TimePoint now);
  /// When advance() must be called next at the latest (a tick that holds timers comes up), or kNever.
  TimePoint next_due() const;

 private:
  static constexpr std::uint64_t kBuckets = 4096;
  static constexpr Milliseconds kTick{16};
  struct Anchor final : Timer {
    void on_timer(TimePoint /*now*/) override {}
  };

  std::uint64_t tick_of(TimePoint time) const;
  void link(Timer& timer);
  void run_bucket(std::uint64_t bucket, TimePoint now);

  TimePoint start_;
  StepCounter* steps_;
  std::uint64_t current_ = 0;  // ticks before this one have been run
  std::array<Anchor, kBuckets> buckets_;
  std::array<std::uint64_t, kBuckets / 64> maybe_used_{};  // a bit a bucket: may hold timers
};

}  // namespace holdfast::loop
