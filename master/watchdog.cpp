#include "master/watchdog.h"

#include <utility>

namespace holdfast::master {

Watchdog::Verdict Watchdog::look(bool moves, TimePoint now) {
  if (moves) moved_at_ = now;
  const bool bad = moved_at_ != kNever && now - moved_at_ > patience_;
  const bool was_bad = std::exchange(bad_, bad);
  if (bad) return was_bad ? Verdict::Bad : Verdict::TurnsBad;
  return was_bad ? Verdict::TurnsWell : Verdict::Well;
}

}  // namespace holdfast::master
