// From one binary to another: what a supervisor leaves, and how the next one goes on with it.
#include <algorithm>

#include "master/supervisor.h"

namespace holdfast::master {

Supervisor::Supervisor(const Settings& settings, const Past& past)
    : settings_(settings),
      phase_(Phase::Serving),
      generation_(past.generation),
      next_generation_(std::max(past.generation, past.last_generation)),
      last_id_(past.last_process) {
  want_slots(settings);
  for (const Past::Process& process : past.processes) {
    const bool is_new = !slots_.contains(process.slot);
    WorkerSlot& slot = slots_[process.slot];
    slot.index = process.slot;
    if (is_new) slot.wanted = false;
    if (process.current && !slot.current)
      slot.current = process.known;
    else
      slot.retiring.push_back(process.known);
  }
}

Past Supervisor::past() const {
  Past past{generation_, next_generation_, last_id_, {}};
  for (const auto& [index, slot] : slots_) {
    if (slot.current) past.processes.push_back({index, true, *slot.current});
    for (const SlotProcess& process : slot.retiring) past.processes.push_back({index, false, process});
  }
  return past;
}

void Supervisor::on(const event::UpgradeRequested& /*e*/, TimePoint /*now*/) {
  switch (phase_) {
    case Phase::Serving:
      phase_ = Phase::Preparing;
      actions_.emplace_back(action::PrepareUpgrade{});
      break;
    case Phase::Starting:
    case Phase::Preparing:
    case Phase::Replacing:
    case Phase::Settling:
      upgrade_waiting_ = true;
      break;
    case Phase::Stopping:
      break;
  }
}

}  // namespace holdfast::master
