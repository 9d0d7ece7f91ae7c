// The supervisor and workers that stand still: another process first, on the same sockets; then the stuck one
// is made to say where it stands, and then it goes.
#include <algorithm>
#include <utility>

#include "master/supervisor.h"

namespace holdfast::master {
namespace {

// How long the one that stands still is left alone while another one starts in its place. Connections wait in
// the sockets meanwhile; those that it has open wait for its end.
constexpr Milliseconds kStandInTime{2000};
// From SIGABRT to SIGKILL: enough to write down where it stands, and for a core file as a rule.
constexpr Milliseconds kAbortGrace{3000};

bool can_hang(ProcessState state) {
  return state == ProcessState::Ready || state == ProcessState::Draining || state == ProcessState::Finishing;
}

}  // namespace

void Supervisor::on(const event::ProcessHung& e, TimePoint now) {
  WorkerSlot* slot = nullptr;
  SlotProcess* process = find(e.id, &slot);
  if (process == nullptr || !can_hang(process->state)) return;
  if (slot->successor && slot->successor->id == e.id) {
    fail_replacement((slot->is_admin() ? "the admin process" : "worker " + std::to_string(slot->index)) +
                         " of the new generation stood still",
                     now);
  } else if (slot->current && slot->current->id == e.id) {
    slot->retiring.push_back(*std::exchange(slot->current, std::nullopt));
  }
  process = find(e.id, &slot);
  process->state = ProcessState::Hung;
  process->was_hung = true;
  process->deadline = now + kStandInTime;
}

// Another one serves in its place already; this one finishes what it has.
void Supervisor::on(const event::ProcessMoves& e, TimePoint now) {
  WorkerSlot* slot = nullptr;
  SlotProcess* process = find(e.id, &slot);
  if (process == nullptr || process->state != ProcessState::Hung) return;
  process->was_hung = false;
  process->state = ProcessState::Ready;
  if (phase_ == Phase::Stopping && slot->is_admin())
    quit(*process, now);
  else
    drain(*process, settings_.shutdown_timeout, now);
}

// As soon as another one is ready, or where there is to be none.
void Supervisor::abort_replaced(TimePoint now) {
  for (auto& [index, slot] : slots_) {
    const bool wants_one = slot.wanted && phase_ != Phase::Stopping;
    const bool has_one = slot.current && slot.current->state == ProcessState::Ready;
    if (wants_one && !has_one) continue;
    for (SlotProcess& process : slot.retiring)
      if (process.state == ProcessState::Hung) abort(process, now);
  }
}

void Supervisor::abort(SlotProcess& process, TimePoint now) {
  process.state = ProcessState::Aborting;
  process.deadline = now + kAbortGrace;
  actions_.emplace_back(action::Abort{process.id});
}

}  // namespace holdfast::master
