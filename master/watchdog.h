// Whether the service manager is to be told that all is well. It asks the master, but means the service: a
// master that runs while no worker makes progress is not well, and is better started anew. Pure.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace holdfast::master {

class Watchdog {
 public:
  /// `patience`: how long there may be no worker that makes progress.
  explicit Watchdog(Duration patience) : patience_(patience) {}

  enum class Verdict : std::uint8_t { Well, TurnsBad, Bad, TurnsWell };
  /// `moves`: some worker makes progress, or none is meant to. Until the first time there is patience without
  /// end: the start has a deadline of its own.
  Verdict look(bool moves, TimePoint now);

 private:
  Duration patience_;
  TimePoint moved_at_ = kNever;  // kNever: not yet
  bool bad_ = false;
};

}  // namespace holdfast::master
