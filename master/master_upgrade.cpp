// The way to another binary, as far as this one goes it: try what is on disk, write down what there is, and
// leave. And the way back, when this one is the new one and cannot serve.
#include <algorithm>

#include "common/log.h"
#include "master/binary_trial.h"
#include "master/master.h"

namespace holdfast::master {

void Master::perform(const action::PrepareUpgrade& /*a*/) {
  reload_askers_.insert(reload_askers_.end(), waiting_askers_.begin(), waiting_askers_.end());
  waiting_askers_.clear();
  change_ = Change::Upgrade;
  systemd_.reloading(Clock::now());
  log().info("upgrade begins", {{"binary", binary_.path}});
  begin_trial(Clock::now());
}

void Master::begin_trial(TimePoint now) {
  Result<Inquiry> trial =
      Inquiry::start(std::nullopt, [this] { return try_binary(binary_.path, binary_.arguments); });
  if (!trial) return feed(event::ReloadRefused{trial.error().message()});
  trial_.emplace(std::move(*trial));
  trial_until_ = now + serving_->config->process.start_timeout;
}

void Master::judge_trial() {
  const TrialOutcome outcome = master::judge_trial(binary_.path, trial_->answer());
  trial_.reset();
  trial_until_ = kNever;
  if (supervisor_->phase() != Supervisor::Phase::Preparing || change_ != Change::Upgrade) return;
  if (!outcome.problems.empty()) return feed(event::ReloadRefused{outcome.problems, outcome.kind});
  leaving_ = Leaving::ForNewBinary;
}

void Master::give_up_trial(TimePoint now) {
  if (now < trial_until_) return;
  trial_.reset();
  trial_until_ = kNever;
  const auto limit = std::chrono::duration_cast<Milliseconds>(serving_->config->process.start_timeout).count();
  feed(event::ReloadRefused{binary_.path + ": the trial of it did not end within " + std::to_string(limit) +
                            " ms (process.start_timeout)"});
}

std::vector<ControlSocket::ClientId> Master::askers() const {
  std::vector<ControlSocket::ClientId> all = reload_askers_;
  all.insert(all.end(), waiting_askers_.begin(), waiting_askers_.end());
  return all;
}

Handover Master::handover() const {
  Handover handover;
  handover.version = HOLDFAST_VERSION;
  handover.binary = binary_.path;
  handover.binary_fd = binary_.file.get();
  handover.segment = segment_->fd();
  handover.limits = limits_->fd();
  handover.tickets = tickets_->fd();
  handover.broadcast = broadcast_->fd();
  if (pid_file_) handover.pid_file = pid_file_->fd();
  if (control_) {
    handover.control_socket = control_->listener();
    for (const ControlSocket::ClientId asker : askers())
      if (const int socket = control_->socket_of(asker); socket >= 0) handover.askers.push_back(socket);
  }
  const Past past = supervisor_->past();
  handover.generation = past.generation;
  handover.last_generation = past.last_generation;
  handover.last_process = past.last_process;
  handover.workers = serving_->config->process.workers;
  handover.wanted = supervisor_->wanted_workers();
  handover.endpoints = listeners_.handed();
  handover.sources = serving_->sources.packed();
  for (const Past::Process& process : past.processes) {
    // One that is not there has ended, and is only still to be told of: its slot is filled anew.
    const auto found = processes_.find(process.known.id);
    if (found == processes_.end()) continue;
    const WorkerProcess& there = found->second;
    handover.processes.push_back({process.known, process.slot, process.current, there.seat, there.pid,
                                  there.pidfd.get(), there.control.get(), there.log.fd(), there.log.opening()});
  }
  return handover;
}

void Master::leave() {
  // The next binary does not know it, and it would take this one's leave for the end of the master.
  drop_trial_worker();
  switch (std::exchange(leaving_, Leaving::No)) {
    case Leaving::No:
      return;
    case Leaving::ForNewBinary:
      return leave_for_new_binary();
    case Leaving::ForFormerBinary:
      return return_to_former_binary();
  }
}

void Master::leave_for_new_binary() {
  if (supervisor_->phase() != Supervisor::Phase::Preparing) return;  // a stop came in between
  log().info("handing over", {{"binary", binary_.path}, {"version", HOLDFAST_VERSION}});
  systemd_.restore_environment();
  const Error why = depart(handover(), {binary_.path, -1, binary_.arguments});
  SystemdNotify::clear_environment();
  feed(event::ReloadRefused{why.message()});
  settle_events();
}

void Master::return_to_former_binary() {
  // A stop came in between: the former binary would serve again.
  if (supervisor_->phase() == Supervisor::Phase::Stopping) return stay_with_this_binary();
  const Handover& former = predecessor_->handover;
  Handover back = handover();
  back.returned = leaving_reason_;
  back.binary = former.binary;
  back.binary_fd = -1;
  back.sources = former.sources;
  back.workers = former.workers;
  CrashNet::disarm();
  signals_->admit_faults(false);
  systemd_.restore_environment();
  hold_back_handed(former);
  const Error why =
      depart(back, {"the former binary of " + former.binary, former.binary_fd, binary_.arguments});
  SystemdNotify::clear_environment();
  // Its workers serve under this master as well as under theirs.
  log().error("former binary not restored: this one goes on with its workers", {{"problem", why.message()}});
  stay_with_this_binary();
  refuse_change({leaving_reason_, supervisor_->generation()});
}

void Master::stay_with_this_binary() {
  CrashNet::disarm();
  signals_->admit_faults(false);
  close_handed(predecessor_->handover);
  former_version_ = predecessor_->handover.version;
  predecessor_.reset();
}

}  // namespace holdfast::master
