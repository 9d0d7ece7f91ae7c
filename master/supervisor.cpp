#include "master/supervisor.h"

#include <algorithm>
#include <set>
#include <utility>

namespace holdfast::master {
namespace {

constexpr Milliseconds kQuitGrace{1000};    // from Quit to SIGKILL
constexpr Milliseconds kFinishGrace{1000};  // from Finish to Quit
// How long a reload waits for the old workers to say that they accept nothing more. A busy one needs a turn of
// its loop; one that is stuck must not hold the reload up.
constexpr Milliseconds kSettleTime{1000};

std::string slot_text(const WorkerSlot& slot) {
  return slot.is_admin() ? "the admin process" : "worker " + std::to_string(slot.index);
}

}  // namespace

Settings settings_of(const config::Config& config) {
  return {config.process.workers,       config.admin.enabled,   config.process.shutdown_timeout,
          config.process.start_timeout, config.process.respawn, config.process.generations};
}

Supervisor::Supervisor(const Settings& settings) : settings_(settings) {
  want_slots(settings);
}

std::vector<Action> Supervisor::handle(const Event& event, TimePoint now) {
  std::visit([this, now](const auto& e) { on(e, now); }, event);
  reconcile(now);
  return std::exchange(actions_, {});
}

// -- events

void Supervisor::on(const event::ProcessReady& e, TimePoint now) {
  WorkerSlot* slot = nullptr;
  SlotProcess* process = find(e.id, &slot);
  if (process == nullptr || process->state != ProcessState::Starting) return;
  process->state = ProcessState::Ready;
  process->ready_at = now;
  process->deadline = kNever;
}

void Supervisor::on(const event::ProcessFailed& e, TimePoint now) {
  WorkerSlot* slot = nullptr;
  SlotProcess* process = find(e.id, &slot);
  if (process == nullptr) return;
  process->problem = e.problem;
  process->problem_kind = e.kind;
  if (slot->successor && slot->successor->id == e.id) {
    fail_replacement(slot_text(*slot) + ": " + e.problem, now, e.kind);
  } else if (process->state == ProcessState::Starting) {
    process->state = ProcessState::Quitting;
    process->deadline = now + kQuitGrace;
  }
}

void Supervisor::on(const event::ProcessClosed& e, TimePoint /*now*/) {
  WorkerSlot* slot = nullptr;
  if (SlotProcess* process = find(e.id, &slot)) process->accepting = false;
}

void Supervisor::on(const event::ProcessExited& e, TimePoint now) {
  for (auto& [index, slot] : slots_) {
    if (slot.current && slot.current->id == e.id) return current_died(slot, e, now);
    if (slot.successor && slot.successor->id == e.id) {
      const std::string& problem = slot.successor->problem;
      const std::string reason =
          slot_text(slot) +
          (problem.empty() ? " ended before the reload was complete: " + e.how : ": " + problem);
      const ErrorKind kind = slot.successor->problem_kind;
      slot.successor.reset();
      return fail_replacement(reason, now, kind);
    }
    if (std::erase_if(slot.retiring, [&e](const SlotProcess& p) { return p.id == e.id; }) > 0) return;
  }
}

void Supervisor::on(const event::Tick& /*e*/, TimePoint /*now*/) {}

void Supervisor::on(const event::ReloadRequested& /*e*/, TimePoint /*now*/) {
  switch (phase_) {
    case Phase::Serving:
      phase_ = Phase::Preparing;
      actions_.emplace_back(action::PrepareReload{});
      break;
    case Phase::Starting:
    case Phase::Preparing:
    case Phase::Replacing:
    case Phase::Settling:
      reload_waiting_ = true;
      break;
    case Phase::Stopping:
      break;
  }
}

void Supervisor::on(const event::WorkersRequested& e, TimePoint /*now*/) {
  waiting_difference_ += e.difference;
  if (phase_ == Phase::Serving) enter_serving();
}

// All workers ask at about the same time. Those that are being replaced already have had it.
void Supervisor::on(const event::RenewalRequested& e, TimePoint /*now*/) {
  const bool serves = std::ranges::any_of(slots_, [&e](const auto& entry) {
    const std::optional<SlotProcess>& current = entry.second.current;
    return current && current->id == e.id;
  });
  if (phase_ != Phase::Serving || !serves) return;
  phase_ = Phase::Preparing;
  actions_.emplace_back(action::PrepareWorkers{settings_.workers, e.path});
}

void Supervisor::on(const event::ReloadPrepared& e, TimePoint now) {
  if (phase_ != Phase::Preparing) return;
  phase_ = Phase::Replacing;
  next_settings_ = e.settings;
  ++next_generation_;
  replacement_deadline_ = now + e.settings.start_timeout;
  for (std::uint32_t index = 0; index < e.settings.workers; ++index) slots_[index].index = index;
  if (e.settings.admin) slots_[stats::kAdminSlot].index = stats::kAdminSlot;
  for (auto& [index, slot] : slots_) {
    if (!wants(settings_, index)) slot.wanted = false;
    if (!wants(next_settings_, index)) continue;
    slot.successor = start(slot, next_generation_, next_settings_, now);
    slot.successor->deadline = kNever;  // all of them have replacement_deadline_
  }
}

void Supervisor::on(const event::ReloadRefused& e, TimePoint /*now*/) {
  if (phase_ != Phase::Preparing) return;
  actions_.emplace_back(action::ReloadFailed{e.reason, generation_, e.kind});
  enter_serving();
}

void Supervisor::on(const event::DrainWorkers& /*e*/, TimePoint now) {
  if (phase_ != Phase::Serving) {
    drain_waiting_ = true;
    return;
  }
  settings_.workers = 0;
  for (auto& [index, slot] : slots_) {
    if (slot.is_admin()) continue;
    slot.wanted = false;
    retire_current(slot, StopMode::Graceful, now);
  }
}

void Supervisor::on(const event::StopRequested& e, TimePoint now) {
  reload_waiting_ = upgrade_waiting_ = false;
  waiting_difference_ = 0;
  if (phase_ == Phase::Settling) settle();
  if (phase_ == Phase::Replacing) fail_replacement("the server is stopping", now);
  if (phase_ == Phase::Preparing)
    actions_.emplace_back(action::ReloadFailed{"the server is stopping", generation_});
  // A second request means: no more patience.
  const StopMode mode = phase_ == Phase::Stopping ? StopMode::Quick : e.mode;
  phase_ = Phase::Stopping;
  for (auto& [index, slot] : slots_) {
    slot.wanted = false;
    if (slot.is_admin() && mode == StopMode::Graceful) continue;
    retire_current(slot, mode, now);
    for (SlotProcess& process : slot.retiring) {
      if (mode == StopMode::Quick) quit(process, now);
      if (process.state == ProcessState::Draining) actions_.emplace_back(action::SendAway{process.id});
    }
  }
}

// -- what follows from any event

void Supervisor::reconcile(TimePoint now) {
  for_each_process([this, now](SlotProcess& process) { push_on_overdue(process, now); });
  switch (phase_) {
    case Phase::Starting:
      judge_start(now);
      break;
    case Phase::Replacing:
      judge_replacement(now);
      break;
    case Phase::Settling:
      judge_settling(now);
      break;
    case Phase::Serving:
    case Phase::Preparing:
    case Phase::Stopping:
      break;
  }
  if (phase_ == Phase::Serving && std::exchange(drain_waiting_, false)) on(event::DrainWorkers{}, now);
  if (phase_ == Phase::Stopping)
    judge_stop(now);
  else
    fill_slots(now);
  abort_replaced(now);
  end_oldest_generations(now);
  forget_empty_slots();
}

void Supervisor::push_on_overdue(SlotProcess& process, TimePoint now) {
  if (process.deadline > now) return;
  if (process.state != ProcessState::Hung) actions_.emplace_back(action::Overdue{process.id, process.state});
  switch (process.state) {
    case ProcessState::Starting:
      process.problem = "was not ready in time";
      return kill(process);
    case ProcessState::Draining:
    case ProcessState::Finishing:
      return quit(process, now);
    case ProcessState::Hung:
      return abort(process, now);
    case ProcessState::Quitting:
    case ProcessState::Aborting:
      return kill(process);
    case ProcessState::Ready:
    case ProcessState::Killing:
      process.deadline = kNever;
      return;
  }
}

// The first generation is up when every slot is ready or has shown that it cannot be yet, and it has failed
// when no traffic slot is ready by then.
void Supervisor::judge_start(TimePoint now) {
  std::uint32_t ready = 0;
  std::string problem = "no worker became ready";
  for (const auto& [index, slot] : slots_) {
    const bool is_ready = slot.current && slot.current->state == ProcessState::Ready;
    if (!is_ready && slot.history.quick_deaths == 0) return;
    if (slot.is_admin()) continue;
    if (is_ready) ++ready;
    if (!slot.last_problem.empty()) problem = slot.last_problem;
  }
  if (ready > 0) {
    actions_.emplace_back(action::ServerReady{generation_, ready, settings_.workers});
    return enter_serving();
  }
  actions_.emplace_back(action::StartFailed{problem});
  on(event::StopRequested{StopMode::Quick}, now);
}

void Supervisor::judge_replacement(TimePoint now) {
  const WorkerSlot* late = nullptr;
  for (const auto& [index, slot] : slots_)
    if (slot.successor && slot.successor->state != ProcessState::Ready) late = &slot;
  if (late == nullptr) return complete_replacement(now);
  if (now < replacement_deadline_) return;
  const auto limit = std::chrono::duration_cast<Milliseconds>(next_settings_.start_timeout).count();
  fail_replacement(slot_text(*late) + " was not ready within " + std::to_string(limit) + " ms", now);
}

void Supervisor::complete_replacement(TimePoint now) {
  generation_ = next_generation_;
  settings_ = next_settings_;
  replacement_deadline_ = kNever;
  actions_.emplace_back(action::Replaced{});
  for (auto& [index, slot] : slots_) {
    slot.wanted = wants(settings_, index);
    retire_current(slot, StopMode::Graceful, now);
    if (!slot.successor) continue;
    slot.current = std::exchange(slot.successor, std::nullopt);
    slot.start_at = TimePoint::min();
    slot.history = {};
  }
  phase_ = Phase::Settling;
  replacement_deadline_ = now + kSettleTime;
  judge_settling(now);
}

// Who connects after the reload was reported must meet the new configuration.
void Supervisor::judge_settling(TimePoint now) {
  const auto may_accept = [](const SlotProcess& p) { return p.state == ProcessState::Draining && p.accepting; };
  const bool any = std::any_of(slots_.begin(), slots_.end(), [&may_accept](const auto& entry) {
    return std::any_of(entry.second.retiring.begin(), entry.second.retiring.end(), may_accept);
  });
  if (!any || now >= replacement_deadline_) settle();
}

void Supervisor::settle() {
  replacement_deadline_ = kNever;
  actions_.emplace_back(action::ReloadSucceeded{generation_, settings_.workers});
  enter_serving();
}

void Supervisor::fail_replacement(const std::string& reason, TimePoint now, ErrorKind kind) {
  replacement_deadline_ = kNever;
  for (auto& [index, slot] : slots_) {
    if (!slot.successor) continue;
    // One that was ready has accepted connections already: they are finished like any other's.
    if (slot.successor->state == ProcessState::Ready)
      drain(*slot.successor, settings_.shutdown_timeout, now);
    else
      quit(*slot.successor, now);
    slot.retiring.push_back(*std::exchange(slot.successor, std::nullopt));
  }
  actions_.emplace_back(action::ReloadFailed{reason, generation_, kind});
  enter_serving();
}

// What was asked for meanwhile is begun now. A reload brings its own number of workers, an upgrade its own
// reload.
void Supervisor::enter_serving() {
  phase_ = Phase::Serving;
  const std::int64_t wanted = std::int64_t{settings_.workers} + std::exchange(waiting_difference_, 0);
  if (std::exchange(upgrade_waiting_, false)) {
    reload_waiting_ = false;
    phase_ = Phase::Preparing;
    actions_.emplace_back(action::PrepareUpgrade{});
  } else if (std::exchange(reload_waiting_, false)) {
    phase_ = Phase::Preparing;
    actions_.emplace_back(action::PrepareReload{});
  } else if (wanted != settings_.workers && wanted >= 1 && wanted <= kMostWorkers) {
    phase_ = Phase::Preparing;
    actions_.emplace_back(action::PrepareWorkers{static_cast<std::uint32_t>(wanted), {}});
  }
}

// The admin process stays to the last, so that the drain can be watched.
void Supervisor::judge_stop(TimePoint now) {
  bool traffic = false;
  bool any = false;
  for_each_process([&any](SlotProcess&) { any = true; });
  if (!any) {
    actions_.emplace_back(action::Exit{});
    return;
  }
  for (const auto& [index, slot] : slots_)
    if (!slot.is_admin() && (slot.current || !slot.retiring.empty())) traffic = true;
  const auto admin = slots_.find(stats::kAdminSlot);
  if (traffic || admin == slots_.end()) return;
  retire_current(admin->second, StopMode::Quick, now);
  for (SlotProcess& process : admin->second.retiring) quit(process, now);
}

void Supervisor::fill_slots(TimePoint now) {
  for (auto& [index, slot] : slots_)
    if (slot.wanted && !slot.current && slot.start_at <= now)
      slot.current = start(slot, generation_, settings_, now);
}

void Supervisor::end_oldest_generations(TimePoint now) {
  std::set<std::uint64_t> draining;
  for (const auto& [index, slot] : slots_)
    for (const SlotProcess& process : slot.retiring)
      if (process.state == ProcessState::Draining) draining.insert(process.generation);
  while (draining.size() > settings_.generations) {
    const std::uint64_t oldest = *draining.begin();
    draining.erase(draining.begin());
    for (auto& [index, slot] : slots_)
      for (SlotProcess& process : slot.retiring) {
        if (process.generation != oldest || process.state != ProcessState::Draining) continue;
        process.state = ProcessState::Finishing;
        process.deadline = std::min(process.deadline, now + kFinishGrace);
        actions_.emplace_back(action::Finish{process.id});
      }
  }
}

void Supervisor::forget_empty_slots() {
  std::erase_if(slots_, [](const auto& entry) {
    const WorkerSlot& slot = entry.second;
    return !slot.wanted && !slot.current && !slot.successor && slot.retiring.empty();
  });
}

// -- single processes

SlotProcess Supervisor::start(WorkerSlot& slot, std::uint64_t generation, const Settings& settings,
                              TimePoint now) {
  SlotProcess process;
  process.id = ++last_id_;
  process.generation = generation;
  process.started = now;
  process.deadline = now + settings.start_timeout;
  actions_.emplace_back(action::Start{process.id, slot.index, generation});
  return process;
}

void Supervisor::current_died(WorkerSlot& slot, const event::ProcessExited& e, TimePoint now) {
  const SlotProcess dead = *std::exchange(slot.current, std::nullopt);
  const bool was_ready = dead.ready_at != kNever;
  const Life life{was_ready, now - dead.started, was_ready ? now - dead.ready_at : Duration::zero()};
  const RespawnDecision decision = decide_respawn(slot.history, life, settings_.respawn);
  slot.history = decision.history;
  slot.start_at = now + decision.delay;
  if (!was_ready)
    slot.last_problem = slot_text(slot) + (dead.problem.empty() ? " " + e.how : ": " + dead.problem);
  if (!slot.wanted || decision.delay == Duration::zero()) return;
  const auto delay = std::chrono::duration_cast<Milliseconds>(decision.delay);
  actions_.emplace_back(action::HeldBack{slot.index, delay, slot.history.quick_deaths});
}

void Supervisor::retire_current(WorkerSlot& slot, StopMode mode, TimePoint now) {
  if (!slot.current) return;
  SlotProcess process = *std::exchange(slot.current, std::nullopt);
  switch (mode) {
    case StopMode::Graceful:
      drain(process, settings_.shutdown_timeout, now);
      break;
    case StopMode::Quick:
      quit(process, now);
      break;
  }
  slot.retiring.push_back(std::move(process));
}

void Supervisor::drain(SlotProcess& process, Milliseconds deadline, TimePoint now) {
  if (process.state != ProcessState::Starting && process.state != ProcessState::Ready) return;
  process.state = ProcessState::Draining;
  process.deadline = now + deadline;
  actions_.emplace_back(action::Drain{process.id, deadline});
}

void Supervisor::quit(SlotProcess& process, TimePoint now) {
  if (process.state == ProcessState::Quitting || process.state == ProcessState::Killing) return;
  process.state = ProcessState::Quitting;
  process.deadline = now + kQuitGrace;
  actions_.emplace_back(action::Quit{process.id});
}

void Supervisor::kill(SlotProcess& process) {
  process.state = ProcessState::Killing;
  process.deadline = kNever;
  actions_.emplace_back(action::Kill{process.id});
}

// -- slots and looking things up

bool Supervisor::wants(const Settings& settings, std::uint32_t slot) {
  return slot == stats::kAdminSlot ? settings.admin : slot < settings.workers;
}

void Supervisor::want_slots(const Settings& settings) {
  for (std::uint32_t index = 0; index < settings.workers; ++index) slots_[index].index = index;
  if (settings.admin) slots_[stats::kAdminSlot].index = stats::kAdminSlot;
}

template <class Each>
void Supervisor::for_each_process(Each each) {
  for (auto& [index, slot] : slots_) {
    if (slot.current) each(*slot.current);
    if (slot.successor) each(*slot.successor);
    for (SlotProcess& process : slot.retiring) each(process);
  }
}

SlotProcess* Supervisor::find(ProcessId id, WorkerSlot** slot) {
  for (auto& [index, candidate] : slots_) {
    *slot = &candidate;
    if (candidate.current && candidate.current->id == id) return &*candidate.current;
    if (candidate.successor && candidate.successor->id == id) return &*candidate.successor;
    for (SlotProcess& process : candidate.retiring)
      if (process.id == id) return &process;
  }
  return nullptr;
}

const SlotProcess* Supervisor::find(ProcessId id) const {
  WorkerSlot* slot = nullptr;
  return const_cast<Supervisor*>(this)->find(id, &slot);
}

std::uint32_t Supervisor::wanted_workers() const {
  return phase_ == Phase::Stopping ? 0 : settings_.workers;
}

Supervisor::Census Supervisor::census(TimePoint now) const {
  Census census;
  const auto count = [&census](const SlotProcess& process) {
    switch (process.state) {
      case ProcessState::Starting:
        ++census.starting;
        break;
      case ProcessState::Ready:
        ++census.ready;
        break;
      case ProcessState::Draining:
      case ProcessState::Finishing:
      case ProcessState::Quitting:
      case ProcessState::Hung:
      case ProcessState::Aborting:
      case ProcessState::Killing:
        ++census.draining;
        break;
    }
  };
  for (const auto& [index, slot] : slots_) {
    if (slot.is_admin()) continue;
    if (slot.current) count(*slot.current);
    if (slot.successor) count(*slot.successor);
    for (const SlotProcess& process : slot.retiring) count(process);
    if (slot.state(now) == SlotState::BackingOff) ++census.backing_off;
  }
  return census;
}

TimePoint Supervisor::next_deadline() const {
  TimePoint next = replacement_deadline_;
  for (const auto& [index, slot] : slots_) {
    if (slot.wanted && !slot.current && phase_ != Phase::Stopping) next = std::min(next, slot.start_at);
    if (slot.current) next = std::min(next, slot.current->deadline);
    for (const SlotProcess& process : slot.retiring) next = std::min(next, process.deadline);
  }
  return next;
}

}  // namespace holdfast::master
