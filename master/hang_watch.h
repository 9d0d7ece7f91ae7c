// Which worker stands still: judged from the number of pieces of work that it has begun alone, as the master
// sees it from time to time. Pure; the master looks, pokes and tells the supervisor.
//
// A worker in the middle of one that does not end within the limit is stuck: spinning, dead-locked or
// blocked in a call. One that waits for events says nothing by that; it is poked, which begins a turn. One that
// is stopped, or that the kernel gives no time, does not answer the poke.
#pragma once

#include <cstdint>
#include <map>

#include "common/clock.h"

namespace holdfast::master {

/// What a worker shows of itself.
struct Beat {
  std::uint64_t steps = 0;  // pieces of work begun so far
  bool waiting = false;     // for events
};

class HangWatch {
 public:
  explicit HangWatch(Duration limit) : limit_(limit) {}
  void set_limit(Duration limit) { limit_ = limit; }

  enum class Verdict : std::uint8_t {
    Fine,
    Poke,   // wake it, so that it shows whether it can move
    Stuck,  // since the limit; told once
    Moves   // again, after it was called stuck
  };

  /// Begins a round of looks. After a gap in which nobody looked (the machine slept, or the master itself did
  /// not run) all begin anew: workers may not have run either.
  void begin_round(TimePoint now);
  Verdict look(std::uint64_t process, const Beat& beat, TimePoint now);
  /// The process is not to blame, a debugger holds it: it has the whole limit anew.
  void excuse(std::uint64_t process, TimePoint now);
  /// Ends the round: processes that were not looked at in it are forgotten.
  void end_round();
  /// How long a process has shown the same beat.
  Duration standstill(std::uint64_t process, TimePoint now) const;

  TimePoint next_round() const { return next_round_; }

 private:
  struct Watched {
    Beat beat;
    TimePoint since;              // the first look at this beat
    TimePoint poked_at = kNever;  // kNever: not since then
    bool stuck = false;
    std::uint64_t round = 0;
  };

  Duration interval() const;
  Duration poke_after() const { return limit_ / 4; }
  void start_anew(Watched& watched, TimePoint now);
  Verdict judge_same(Watched& watched, TimePoint now);

  Duration limit_;
  TimePoint next_round_ = TimePoint::min();
  std::uint64_t round_ = 0;
  std::map<std::uint64_t, Watched> processes_;
};

}  // namespace holdfast::master
