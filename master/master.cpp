#include "master/master.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/log.h"
#include "common/memory_file.h"
#include "config/difference.h"
#include "master/obituary.h"

namespace holdfast::master {
namespace {

// The workers of a master that was killed give its ports up by themselves; a restart waits for them so long.
constexpr Milliseconds kPortPatience{1000};
constexpr Milliseconds kPortPatienceAfterCrash{10'000};
constexpr Milliseconds kPortInterval{50};

int complain(const Error& error) {
  log().error("cannot start", {{"problem", error.message()}});
  return exit_code_for(error.kind);
}

stats::BucketBounds bucket_bounds_of(const config::Config& config) {
  stats::BucketBounds bounds;
  bounds.fill(stats::kNoBound);
  std::ranges::transform(config.metrics.buckets, bounds.begin(),
                         [](std::uint64_t microseconds) { return microseconds * 1000; });
  return bounds;
}

}  // namespace

Master::Master(ReadConfig read_config, OwnBinary binary)
    : read_config_(std::move(read_config)),
      binary_(std::move(binary)),
      systemd_(SystemdNotify::from_environment()) {}

int Master::run(config::Loaded first, std::function<void(const Endpoint&)> on_ready) {
  log().set_role("master");
  first_ = std::move(first);
  on_ready_ = std::move(on_ready);
  if (const int code = set_up(); code != kExitOk) return code;
  while (!ended_) turn();
  return finish();
}

int Master::set_up() {
  const config::Config& config = *first_.config;
  log().configure(2, config.log.error.level, config.log.error.format);
  Result<SignalSource> signals = SignalSource::open();
  if (!signals) return complain(signals.error());
  signals_ = std::move(*signals);
  raise_descriptor_limit();
  if (Result<void> made = make_memory(); !made) return complain(made.error());
  stats_.emplace(*segment_, config.file, std::chrono::system_clock::now());
  const TimePoint now = Clock::now();
  listen_until_ = now + kPortPatience;
  if (const std::string& path = config.process.pid_file; !path.empty()) {
    Result<PidFile> pid_file = PidFile::claim(path);
    if (!pid_file) return complain(pid_file.error());
    pid_file_.emplace(std::move(*pid_file));
    if (pid_file_->found_stale()) listen_until_ = now + kPortPatienceAfterCrash;
  }
  if (systemd_.watchdog_interval() > Duration::zero()) {
    watchdog_at_ = now;
    watchdog_ = Watchdog(systemd_.watchdog_interval());
  }
  take_given_sockets();
  if (!try_to_listen(now)) return exit_code_;
  return kExitOk;
}

void Master::make_board_for(const config::Config& config) {
  if (board_ || config.process.balance != config::Balance::LeastConnections) return;
  Result<LoadBoard> board = LoadBoard::create();
  if (board)
    board_.emplace(std::move(*board));
  else
    log().warning("connections not balanced by load", {{"problem", board.error().message()}});
}

/// As the configuration that serves from now on wants it, before its listeners are committed.
void Master::choose_balance() {
  const bool wanted = serving_->config->process.balance == config::Balance::LeastConnections;
  listeners_.balance_by(wanted && board_ ? &*board_ : nullptr);
}

void Master::take_given_sockets() {
  std::vector<OfferedSocket> offers = offers_of(systemd_.take_given());
  store_.note(offers);
  listeners_.offer(std::move(offers));
}

void Master::tell_of_unused_sockets() {
  for (const std::string& name : listeners_.close_unused_offers())
    log().warning("socket of the service manager not used",
                  {{"name", name}, {"problem", "no listener has this name or its address"}});
}

Result<void> Master::make_memory() {
  Result<stats::Segment> segment = stats::Segment::create(bucket_bounds_of(*first_.config));
  if (!segment) return segment.error();
  Result<limits::SharedLimits> shared_limits = limits::SharedLimits::create();
  if (!shared_limits) return shared_limits.error();
  Result<tickets::TicketKeys> ticket_keys = tickets::TicketKeys::create();
  if (!ticket_keys) return ticket_keys.error();
  Result<broadcast::Segment> broadcast = broadcast::Segment::create();
  if (!broadcast) return broadcast.error();
  segment_ = std::move(*segment);
  limits_ = std::move(*shared_limits);
  tickets_ = std::move(*ticket_keys);
  broadcast_ = std::move(*broadcast);
  return {};
}

/// False: the server cannot start, exit_code_ says why. True: it listens, or will try again.
bool Master::try_to_listen(TimePoint now) {
  listen_again_at_ = kNever;
  Prepared prepared = prepare_generation(first_.config, nullptr, listeners_, *segment_);
  signals_->hold();
  if (const auto* why = std::get_if<Unpreparable>(&prepared)) {
    if (why->system_code == EADDRINUSE && now < listen_until_) {
      listen_again_at_ = now + kPortInterval;
      return true;
    }
    const char* const advice = why->system_code == EADDRINUSE ? " (`holdfast doctor` names who has it)" : "";
    for (const std::string& problem : why->problems)
      log().error("cannot start", {{"problem", problem + advice}});
    exit_code_ = exit_code_for(why->kind);
    return false;
  }
  serving_ = std::move(std::get<std::unique_ptr<Generation>>(prepared));
  serving_->sources = std::move(first_.sources);
  make_board_for(*serving_->config);
  choose_balance();
  listeners_.commit(serving_->needs);
  begin();
  return true;
}

void Master::begin() {
  serving_->logs.use();
  log_worker_count(*serving_->config);
  log_new_listeners();
  tell_of_unused_sockets();
  store_.keep(listeners_.handed(), systemd_);
  if (serving_->config->process.sandbox == config::Sandbox::Auto)
    if (const std::string missing = worker::missing_of_sandbox(); !missing.empty())
      log().info("the workers' sandbox is incomplete", {{"missing", missing}});
  if (const std::string path = control_path_of(serving_->config->process.pid_file); !path.empty()) {
    Result<ControlSocket> control = ControlSocket::open(path);
    if (control)
      control_.emplace(std::move(*control));
    else
      log().warning("no control socket", {{"problem", control.error().message()}});
  }
  supervisor_.emplace(settings_of(*serving_->config));
  first_ = {};
  take_ticket_settings(Clock::now());
  follow_certificates(Clock::now());
  feed(event::Tick{});
  settle_events();
}

// -- the loop

void Master::turn() {
  if (leaving_ != Leaving::No) leave();
  PollSet set;
  set.add(signals_->fd(), Source::Signals);
  for (const auto& [id, process] : processes_) {
    set.add(process.pidfd.get(), Source::ProcessEnd, id);
    set.add(process.control.get(), Source::ProcessChannel, id);
  }
  if (control_) control_->add_to(set);
  if (!pending_) {
    set.add(certificates_.inquiry_output(), Source::CertificateInquiry);
    set.add(staples_.inquiry_output(), Source::StapleInquiry);
  }
  if (trial_) set.add(trial_->output(), Source::BinaryTrial);
  watch_trial_worker(set);
  const std::vector<Wakeup> woken = set.wait(Clock::now(), next_deadline());
  const TimePoint now = Clock::now();
  for (const Wakeup& wakeup : woken) on_wakeup(wakeup, now);
  if (control_) control_->on_time(now);
  tick_watchdog(now);
  rotate_tickets(now);
  watch_for_hangs(now);
  oom_.look(now);
  watch_certificates(now);
  follow_moved_logs(now);
  give_up_trial(now);
  push_trial_worker(now);
  if (listen_again_at_ <= now && !try_to_listen(now)) ended_ = true;
  if (!supervisor_) return;
  if (supervisor_->next_deadline() <= now) feed(event::Tick{});
  settle_events();
}

TimePoint Master::next_deadline() const {
  TimePoint next = std::min({listen_again_at_, watchdog_at_, rotate_tickets_at_, trial_until_});
  if (serving_) next = std::min(next, log_watch_.next());
  if (supervisor_) next = std::min({next, supervisor_->next_deadline(), hangs_.next_round()});
  if (trial_worker_) next = std::min(next, trial_worker_->deadline);
  if (control_) next = std::min(next, control_->next_deadline());
  if (!pending_) next = std::min({next, certificates_.next_deadline(), staples_.next_deadline()});
  return next;
}

void Master::settle_events() {
  while (!events_.empty()) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    for (const Action& action : supervisor_->handle(event, Clock::now()))
      std::visit([this](const auto& a) { perform(a); }, action);
  }
  if (serving_) stats_->show_limits(serving_->config->limits);
  stats_->publish(*supervisor_, Clock::now());
}

void Master::on_wakeup(const Wakeup& wakeup, TimePoint now) {
  switch (wakeup.source) {
    case Source::Signals:
      while (const std::optional<SignalNotice> notice = signals_->next()) on_signal(*notice);
      break;
    case Source::ProcessEnd:
      on_process_end(wakeup.id);
      break;
    case Source::ProcessChannel:
      on_process_channel(wakeup.id);
      break;
    case Source::CertificateInquiry:
      certificates_.on_inquiry();
      break;
    case Source::StapleInquiry:
      if (staples_.on_inquiry(now, std::chrono::system_clock::now())) use_certificates(serving_->config);
      break;
    case Source::TrialWorkerEnd:
      on_trial_worker_end(now);
      break;
    case Source::TrialWorkerChannel:
      on_trial_worker_channel(now);
      break;
    case Source::TrialProbes:
      on_probes(now);
      break;
    case Source::BinaryTrial:
      if (trial_ && trial_->ended()) judge_trial();
      break;
    case Source::ControlListener:
      control_->on_listener(now);
      break;
    case Source::ControlClient:
      if (const std::optional<std::string> word = control_->on_client(wakeup.id)) on_request(wakeup.id, *word);
      break;
  }
}

void Master::take_ticket_settings(TimePoint now) {
  const config::SessionTickets& settings = serving_->config->session_tickets;
  const bool were_from_file = std::exchange(tickets_from_file_, !settings.keys.path.empty());
  if (tickets_from_file_) {
    tickets_->use(settings.keys.text);
    rotate_tickets_at_ = kNever;
  } else {
    // Keys that were made here go on, but none is used for longer than is wanted from now on.
    rotate_tickets_at_ = were_from_file ? now : std::min(rotate_tickets_at_, now + settings.rotate);
  }
}

void Master::rotate_tickets(TimePoint now) {
  if (now < rotate_tickets_at_) return;
  rotate_tickets_at_ = now + serving_->config->session_tickets.rotate;
  if (const Result<void> rotated = tickets_->rotate(); !rotated)
    log().error("session ticket keys not rotated", {{"problem", rotated.error().message()}});
}

// -- signals

void Master::on_signal(const SignalNotice& notice) {
  switch (notice.signal) {
    case Signal::Reload:
      feed(event::ReloadRequested{});
      break;
    case Signal::Stop:
      on_stop(StopMode::Graceful);
      break;
    case Signal::QuickStop:
      on_stop(StopMode::Quick);
      break;
    case Signal::ReopenLogs:
      reopen_logs();
      break;
    case Signal::Upgrade:
      if (supervisor_) feed(event::UpgradeRequested{});
      break;
    case Signal::DrainWorkers:
      // A terminal sends the same signal when its window changes its size.
      if (notice.by_kernel) break;
      log().info("workers drain, the master stays", {{"sender", notice.sender}});
      feed(event::DrainWorkers{});
      break;
    case Signal::MoreWorkers:
      change_workers(+1);
      break;
    case Signal::FewerWorkers:
      change_workers(-1);
      break;
    case Signal::ChildEnded:
      reap_children();
      break;
    case Signal::Other:
      log().info("signal ignored", {{"signal", notice.number}, {"sender", notice.sender}});
      break;
  }
}

void Master::change_workers(int difference) {
  const std::uint32_t wanted = supervisor_ ? supervisor_->wanted_workers() : 0;
  if (difference < 0 ? wanted == 1 : wanted == Supervisor::kMostWorkers)
    log().info("number of workers stays as it is: at its limit", {{"workers", wanted}});
  else
    feed(event::WorkersRequested{difference});
}

void Master::on_stop(StopMode mode) {
  if (!supervisor_) {
    ended_ = true;
    return;
  }
  // What was asked for before comes before: a reload is begun and given up, and the last word is that of the
  // stop.
  settle_events();
  log().info("stopping", {{"mode", mode == StopMode::Graceful ? "graceful" : "quick"}});
  // The workers still have theirs and accept what waits; after that nobody queues where nobody accepts.
  listeners_.commit({});
  certificates_.stop();
  staples_.stop();
  feed(event::StopRequested{mode});
  settle_events();
  systemd_.stopping();
}

// -- processes

void Master::on_process_channel(ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;
  WorkerProcess& process = found->second;
  for (;;) {
    ControlMessage message;
    switch (receive_control(process.control.get(), message)) {
      case Received::Nothing:
        return;
      case Received::Broken:
        continue;
      case Received::EndOfFile:
        return process.control.reset();  // its end shows in the pidfd
      case Received::Message:
        break;
    }
    if (message.kind == ControlKind::Ready) {
      const SlotProcess* known = supervisor_->find(id);
      if (known != nullptr && known->state == ProcessState::Starting)
        segment_->set_seat_use(process.seat, stats::SeatUse::Ready);
      feed(event::ProcessReady{id});
    } else if (message.kind == ControlKind::Closed) {
      feed(event::ProcessClosed{id});
    } else if (message.kind == ControlKind::Renew) {
      feed(event::RenewalRequested{id, message.text});
    } else if (message.kind == ControlKind::Failed) {
      feed(event::ProcessFailed{id, message.text, kind_of_failure(message)});
    }
  }
}

void Master::on_process_end(ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;
  const std::optional<ExitStatus> status = reap(found->second);
  if (!status) return;
  if (found->second.control) on_process_channel(id);  // its last words come before its end
  settle_events();
  const WorkerProcess process = std::move(found->second);
  processes_.erase(found);
  stats::ExitReason reason = reason_of(supervisor_->find(id), *status);
  if (killed_by_others(reason, *status) && oom_.explains_kill(Clock::now())) reason = stats::ExitReason::Oom;
  const stats::Death death = death_of(process, *status, reason, *segment_, std::chrono::system_clock::now());
  if (!was_expected(reason)) stats::note_death(segment_->deaths(), death);
  const std::string how = status->text() + (reason == stats::ExitReason::Oom ? ", out of memory" : "") +
                          work_text(segment_->seat(process.seat).activity);
  take_over_lines(process.log, process.seat);
  limits_->clear_seat(process.seat);
  broadcast_->free_lanes_of(process.seat);
  segment_->retire_seat(process.seat);
  stats_->count_end(reason);
  // Whoever reads of it finds it counted.
  log_end(death);
  if (!was_expected(reason)) blame(death, Clock::now());
  feed(event::ProcessExited{id, how});
}

// SIGCHLD tells of our workers too; whichever wake-up comes first buries the dead.
void Master::reap_children() {
  while (const pid_t pid = ended_child()) {
    const auto ours = std::find_if(processes_.begin(), processes_.end(),
                                   [pid](const auto& entry) { return entry.second.pid == pid; });
    if (trial_worker_ && trial_worker_->process.pid == pid) {
      on_trial_worker_end(Clock::now());
    } else if (ours == processes_.end()) {
      reap_stranger(pid);
      free_seat_of(pid);
    } else {
      on_process_end(ours->first);
    }
  }
}

// -- the control socket

void Master::on_request(ControlSocket::ClientId client, const std::string& word) {
  if (word == "status") return control_->hand_over(client, segment_->fd());
  if (word == kConfigurationWord) return hand_configuration_over(client);
  const bool stopping = supervisor_->phase() == Supervisor::Phase::Stopping;
  if (word == "stop") {
    stop_askers_.push_back(client);
    if (!stopping) on_stop(StopMode::Graceful);
  } else if (word == "unfuse") {
    const std::size_t count = unfuse();
    control_->answer(client, count == 0   ? "ok no route was fused\n"
                             : count == 1 ? "ok 1 route takes requests again\n"
                                          : "ok " + std::to_string(count) + " routes take requests again\n");
  } else if ((word == "reload" || word == "upgrade") && stopping) {
    control_->answer(client, "failed the server is stopping\n");
  } else if (word == "reload") {
    waiting_askers_.push_back(client);
    feed(event::ReloadRequested{});
  } else if (word == "upgrade") {
    waiting_askers_.push_back(client);
    feed(event::UpgradeRequested{});
  } else {
    control_->answer(client, "failed not available in this version\n");
  }
}

void Master::hand_configuration_over(ControlSocket::ClientId client) {
  const Result<Fd> text = make_memory_file(config::comparable_text(*serving_->config, serving_->sources));
  if (text) return control_->hand_over(client, text->get());
  control_->answer(client, "failed " + text.error().message() + "\n");
}

int Master::finish() {
  if (supervisor_) log().info("stopped");
  pid_file_.reset();
  for (const ControlSocket::ClientId client : stop_askers_) control_->answer_and_hold(client, "ok stopped\n");
  return exit_code_;
}

}  // namespace holdfast::master
