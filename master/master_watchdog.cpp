// The watchdog of the service manager: fed as long as the workers make progress, not only the master.
#include "common/log.h"
#include "master/master.h"

namespace holdfast::master {

void Master::tick_watchdog(TimePoint now) {
  if (watchdog_at_ == kNever) return;
  const Watchdog::Verdict verdict = watchdog_.look(workers_move(now), now);
  switch (verdict) {
    case Watchdog::Verdict::TurnsBad:
      log().error("watchdog not fed: no worker makes progress", {{"wanted", supervisor_->wanted_workers()}});
      break;
    case Watchdog::Verdict::TurnsWell:
      log().info("watchdog fed again: workers make progress");
      break;
    case Watchdog::Verdict::Well:
    case Watchdog::Verdict::Bad:
      break;
  }
  if (now < watchdog_at_) return;
  watchdog_at_ = now + systemd_.watchdog_interval();
  if (verdict == Watchdog::Verdict::Well || verdict == Watchdog::Verdict::TurnsWell) systemd_.watchdog();
}

/// One that stands still is not counted as ready once that has been found out. Start and stop have deadlines of
/// their own, and where no worker is wanted none has to move.
bool Master::workers_move(TimePoint now) const {
  if (!supervisor_) return false;
  switch (supervisor_->phase()) {
    case Supervisor::Phase::Starting:
      return false;
    case Supervisor::Phase::Stopping:
      return true;
    case Supervisor::Phase::Serving:
    case Supervisor::Phase::Preparing:
    case Supervisor::Phase::Replacing:
    case Supervisor::Phase::Settling:
      break;
  }
  return supervisor_->wanted_workers() == 0 || supervisor_->census(now).ready > 0;
}

}  // namespace holdfast::master
