// process.reload: trial: one worker of the new configuration is asked first whether it serves as it should.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/log.h"
#include "master/master.h"
#include "master/obituary.h"
#include "master/probe.h"

namespace holdfast::master {
namespace {

constexpr std::uint32_t kTrialSlot = 0;       // whose row its counts go to
constexpr Milliseconds kLeaveTime{1000};      // from quit to kill
constexpr Milliseconds kProbeOverhead{1000};  // for the process that makes the requests

/// The listener of a probe, as an index.
std::uint32_t listener_of(const config::Config& config, const config::Probe& probe) {
  for (std::uint32_t i = 0; i < config.listeners.size(); ++i)
    if (config.listeners[i].name == probe.listener) return i;
  return 0;
}

std::vector<ProbeOrder> orders_of(const config::Config& config, const TrialSockets& sockets) {
  std::vector<ProbeOrder> orders;
  for (const config::Probe& probe : config.process.probes)
    orders.push_back({sockets.path(listener_of(config, probe)), probe.path,
                      probe.host.empty() ? "localhost" : probe.host, probe.status, probe.timeout});
  return orders;
}

}  // namespace

/// With ReloadPrepared or ReloadRefused it comes to its end.
void Master::begin_worker_trial(TimePoint now) {
  drop_trial_worker();
  const config::Config& config = *pending_->config;
  Result<TrialSockets> sockets = TrialSockets::open(config.listeners.size());
  if (!sockets) return feed(event::ReloadRefused{sockets.error().message()});
  std::vector<worker::ListeningSocket> listening;
  for (std::uint32_t i = 0; i < config.listeners.size(); ++i)
    listening.push_back({sockets->socket(i), i, true});
  const std::uint64_t generation = supervisor_->generation() + 1;
  const std::uint32_t seat = segment_->claim_seat(kTrialSlot, generation);
  if (seat == stats::kNoSeat) return feed(event::ReloadRefused{"all seats of the statistics are taken"});
  Result<WorkerProcess> process =
      start_worker({0, kTrialSlot, generation, seat, config, *segment_, *limits_, *tickets_, *broadcast_,
                    pending_->logs, pending_->identity, std::move(listening)});
  if (!process) {
    segment_->retire_seat(seat);
    return feed(event::ReloadRefused{process.error().message()});
  }
  segment_->set_seat_pid(seat, static_cast<std::uint64_t>(process->pid));
  log().info("trial begins", {{"pid", process->pid}, {"probes", config.process.probes.size()}});
  trial_worker_.emplace(TrialWorker{std::move(*process), std::move(*sockets), TrialWorker::State::Starting,
                                    now + config.process.start_timeout});
}

void Master::watch_trial_worker(PollSet& set) const {
  if (!trial_worker_) return;
  set.add(trial_worker_->process.pidfd.get(), Source::TrialWorkerEnd);
  set.add(trial_worker_->process.control.get(), Source::TrialWorkerChannel);
  if (trial_worker_->probes) set.add(trial_worker_->probes->output(), Source::TrialProbes);
}

void Master::on_trial_worker_channel(TimePoint now) {
  if (!trial_worker_) return;
  for (;;) {
    ControlMessage message;
    switch (receive_control(trial_worker_->process.control.get(), message)) {
      case Received::Nothing:
        return;
      case Received::Broken:
        continue;
      case Received::EndOfFile:
        return trial_worker_->process.control.reset();
      case Received::Message:
        break;
    }
    if (message.kind == ControlKind::Failed) {
      trial_worker_->problem = message.text;
      trial_worker_->problem_kind = kind_of_failure(message);
    }
    if (message.kind == ControlKind::Ready && trial_worker_->state == TrialWorker::State::Starting)
      ask_trial_worker(now);
  }
}

void Master::ask_trial_worker(TimePoint now) {
  const config::Config& config = *pending_->config;
  Result<Inquiry> probes = Inquiry::start(
      std::nullopt, [orders = orders_of(config, trial_worker_->sockets)] { return run_probes(orders); });
  if (!probes) return end_worker_trial(probes.error().message(), now);
  trial_worker_->probes.emplace(std::move(*probes));
  trial_worker_->state = TrialWorker::State::Asked;
  trial_worker_->deadline = now + kProbeOverhead;
  for (const config::Probe& probe : config.process.probes) trial_worker_->deadline += probe.timeout;
}

void Master::on_probes(TimePoint now) {
  if (!trial_worker_ || !trial_worker_->probes || !trial_worker_->probes->ended()) return;
  const std::optional<std::string> answer = trial_worker_->probes->answer();
  end_worker_trial(answer.value_or("the process that makes the probes has died"), now);
}

void Master::on_trial_worker_end(TimePoint now) {
  if (!trial_worker_) return;
  const std::optional<ExitStatus> status = reap(trial_worker_->process);
  if (!status) return;
  if (trial_worker_->process.control) on_trial_worker_channel(now);
  const bool was_leaving = trial_worker_->state == TrialWorker::State::Leaving;
  const std::string problem = trial_worker_->problem;
  const ErrorKind kind = trial_worker_->problem_kind;
  // One that dies of a probe may first be seen as one that does not answer.
  if (!was_leaving || status->signaled || status->number != kExitOk) {
    const stats::ExitReason reason = reason_of(nullptr, *status);
    const stats::Death death =
        death_of(trial_worker_->process, *status, reason, *segment_, std::chrono::system_clock::now());
    log_end(death);
    if (!was_expected(reason)) stats::note_death(segment_->deaths(), death);
    stats_->count_end(reason);
  }
  free_seat_of(trial_worker_->process.pid);
  trial_worker_.reset();
  if (was_leaving) return;
  feed(event::ReloadRefused{problem.empty() ? "the worker on trial has died: " + status->text() : problem,
                            kind});
}

/// `problems`: empty when there are none.
void Master::end_worker_trial(const std::string& problems, TimePoint now) {
  trial_worker_->probes.reset();
  trial_worker_->state = TrialWorker::State::Leaving;
  trial_worker_->deadline = now + kLeaveTime;
  (void)send_control(trial_worker_->process.control.get(), ControlKind::Quit);
  if (supervisor_->phase() != Supervisor::Phase::Preparing || !pending_) return;
  if (!problems.empty()) return feed(event::ReloadRefused{problems});
  log().info("trial passed", {{"pid", trial_worker_->process.pid}});
  feed(event::ReloadPrepared{settings_of(*pending_->config)});
}

void Master::push_trial_worker(TimePoint now) {
  if (!trial_worker_ || now < trial_worker_->deadline) return;
  switch (trial_worker_->state) {
    case TrialWorker::State::Starting:
      return end_worker_trial("the worker on trial was not ready in time (process.start_timeout)", now);
    case TrialWorker::State::Asked:
      return end_worker_trial("the probes did not end in time", now);
    case TrialWorker::State::Leaving:
      return drop_trial_worker();
  }
}

void Master::drop_trial_worker() {
  if (!trial_worker_) return;
  // What is left is reaped as a stranger, which frees its seat.
  syscall(SYS_pidfd_send_signal, trial_worker_->process.pidfd.get(), SIGKILL, nullptr, 0);
  trial_worker_.reset();
}

}  // namespace holdfast::master
