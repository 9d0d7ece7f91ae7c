// What the supervisor wants done to the world: processes, messages, reloads, the log.
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <utility>

#include "common/log.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

template <class Each>
void for_each_line(std::string_view text, Each each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    each(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::string_view word_for(ProcessState state) {
  switch (state) {
    case ProcessState::Starting:
      return "starting";
    case ProcessState::Ready:
      return "ready";
    case ProcessState::Draining:
      return "draining";
    case ProcessState::Finishing:
      return "finishing";
    case ProcessState::Quitting:
      return "quitting";
    case ProcessState::Hung:
      return "hung";
    case ProcessState::Aborting:
      return "aborting";
    case ProcessState::Killing:
      return "killing";
  }
  return "";
}

}  // namespace

// -- processes

void Master::perform(const action::Start& a) {
  const Generation& generation = generation_of(a.generation);
  // With another number of workers only, nothing has been mended.
  if (&generation == pending_.get() && change_ == Change::Workers) keep_fuses_for(a.generation);
  const std::uint32_t seat = segment_->claim_seat(a.slot, a.generation);
  if (seat == stats::kNoSeat) return not_started(a, "all seats of the statistics are taken");
  Result<WorkerProcess> process =
      start_worker({a.id, a.slot, a.generation, seat, *generation.config, *segment_, *limits_, *tickets_,
                    *broadcast_, generation.logs, generation.identity,
                    sockets_for(generation, a.slot, listeners_), load_word_of(a.slot)});
  if (!process) {
    segment_->retire_seat(seat);
    return not_started(a, process.error().message());
  }
  segment_->set_seat_pid(seat, static_cast<std::uint64_t>(process->pid));
  log().info("worker started", {worker_field(a.slot), {"pid", process->pid}, {"generation", a.generation}});
  processes_.emplace(a.id, std::move(*process));
}

// As if it had been born, had said what is wrong and had ended: its slot is held back like any other's.
void Master::not_started(const action::Start& a, const std::string& problem) {
  log().error("worker not started", {worker_field(a.slot), {"problem", problem}});
  feed(event::ProcessFailed{a.id, problem});
  feed(event::ProcessExited{a.id, problem});
}

void Master::perform(const action::Drain& a) {
  tell(a.id, ControlKind::Drain, a.deadline);
  if (const auto found = processes_.find(a.id); found != processes_.end())
    segment_->set_seat_use(found->second.seat, stats::SeatUse::Draining);
}

void Master::perform(const action::Finish& a) {
  tell(a.id, ControlKind::Finish);
}

void Master::perform(const action::SendAway& a) {
  tell(a.id, ControlKind::SendAway);
}

void Master::perform(const action::Quit& a) {
  tell(a.id, ControlKind::Quit);
}

void Master::perform(const action::Abort& a) {
  const auto found = processes_.find(a.id);
  if (found == processes_.end()) return;
  // Nobody but us reaps it, so that the number is still its own. The thread of its loop is the one to tell.
  const pid_t pid = found->second.pid;
  syscall(SYS_tgkill, pid, pid, SIGABRT);
  // A stopped one dies as the first thing that it does.
  ::kill(pid, SIGCONT);
}

void Master::perform(const action::Kill& a) {
  const auto found = processes_.find(a.id);
  if (found != processes_.end()) syscall(SYS_pidfd_send_signal, found->second.pidfd.get(), SIGKILL, nullptr, 0);
}

void Master::perform(const action::Overdue& a) {
  const auto found = processes_.find(a.id);
  if (found == processes_.end()) return;
  log().warning("worker overdue",
                {worker_field(found->second.slot), {"pid", found->second.pid}, {"state", word_for(a.state)}});
}

void Master::perform(const action::HeldBack& a) {
  log().warning("worker held back",
                {worker_field(a.slot), {"delay_ms", a.delay.count()}, {"failed_starts", a.quick_deaths}});
}

void Master::tell(ProcessId id, ControlKind kind, Milliseconds value) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || !found->second.control) return;
  // One that does not read is dead or stuck: its deadline ends it.
  (void)send_control(found->second.control.get(), kind, static_cast<std::uint64_t>(value.count()));
}

// -- reload

void Master::perform(const action::PrepareReload& /*a*/) {
  if (leaving_ != Leaving::No) {
    // Asked for while this binary was on trial: the one that goes on is asked again, and hears of it once it
    // runs.
    ::kill(getpid(), SIGHUP);
    return;
  }
  reload_askers_.insert(reload_askers_.end(), waiting_askers_.begin(), waiting_askers_.end());
  waiting_askers_.clear();
  systemd_.reloading(Clock::now());
  change_ = predecessor_ ? Change::Upgrade : Change::Reload;
  log().info("reload begins");
  try {
    load_and_prepare();
  } catch (const std::bad_alloc&) {
    // What was made for it is given back, and what serves needs no more than it has.
    listeners_.rollback();
    feed(event::ReloadRefused{"the master is out of memory"});
  }
}

void Master::load_and_prepare() {
  config::Loaded loaded = read_config_();
  for (const config::Problem& warning : loaded.warnings)
    log().warning("configuration", {{"problem", warning.text()}});
  if (loaded.config) return prepare(loaded.config, std::move(loaded.sources));
  std::vector<std::string> problems;
  for (const config::Problem& problem : loaded.problems) problems.push_back(problem.text());
  feed(event::ReloadRefused{joined(problems), ErrorKind::Configuration});
}

void Master::perform(const action::PrepareWorkers& a) {
  change_ = Change::Workers;
  systemd_.reloading(Clock::now());
  if (a.replaced.empty())
    log().info("number of workers changes", {{"workers", a.workers}});
  else
    log().info("workers are renewed, since they are kept from what was put in place", {{"path", a.replaced}});
  prepare(with_workers(*serving_->config, a.workers), serving_->sources);
}

void Master::prepare(const std::shared_ptr<const config::Config>& config, config::Sources sources) {
  Prepared prepared =
      prepare_generation(staples_.filled(config), serving_->config.get(), listeners_, *segment_);
  signals_->hold();
  if (const auto* why = std::get_if<Unpreparable>(&prepared))
    return feed(event::ReloadRefused{joined(why->problems), why->kind});
  pending_ = std::move(std::get<std::unique_ptr<Generation>>(prepared));
  pending_->sources = std::move(sources);
  make_board_for(*pending_->config);
  if (change_ != Change::Workers && pending_->config->process.reload == config::ReloadMode::Trial)
    return begin_worker_trial(Clock::now());
  feed(event::ReloadPrepared{settings_of(*pending_->config)});
}

void Master::perform(const action::Replaced& /*a*/) {
  const std::unique_ptr<Generation> old = std::exchange(serving_, std::move(pending_));
  if (change_ != Change::Workers) {
    unfuse();
    log_worker_count(*serving_->config);
  }
  serving_->logs.use();
  choose_balance();
  listeners_.commit(serving_->needs);
  store_.keep(listeners_.handed(), systemd_);
  take_ticket_settings(Clock::now());
  follow_certificates(Clock::now());
  log_new_listeners();
}

void Master::perform(const action::ReloadSucceeded& a) {
  // Whoever reads of it finds it counted.
  if (change_ != Change::Workers) stats_->note_reload(true, "", std::chrono::system_clock::now());
  stats_->publish(*supervisor_, Clock::now());
  const std::string serves =
      "generation=" + std::to_string(a.generation) + " workers=" + std::to_string(a.workers) + "\n";
  if (change_ == Change::Upgrade) {
    if (predecessor_) {
      stay_with_this_binary();
      stats_->count_upgrade(true);
    }
    log().info("upgrade complete", {{"version", HOLDFAST_VERSION},
                                    {"from", former_version_},
                                    {"generation", a.generation},
                                    {"workers", a.workers}});
    answer_askers("ok upgrade complete version=" HOLDFAST_VERSION " " + serves);
  } else {
    log().info("reload complete", {{"generation", a.generation}, {"workers", a.workers}});
    if (change_ == Change::Reload) answer_askers("ok reload complete " + serves);
  }
  systemd_.ready(status_line());
}

void Master::perform(const action::ReloadFailed& a) {
  if (trial_worker_ && trial_worker_->state != TrialWorker::State::Leaving) drop_trial_worker();
  if (pending_) listeners_.rollback();
  pending_.reset();
  if (predecessor_ && supervisor_->phase() == Supervisor::Phase::Stopping) {
    stay_with_this_binary();
  } else if (predecessor_) {
    // The former binary tells of it: it is the one that goes on.
    leaving_ = Leaving::ForFormerBinary;
    leaving_reason_ = a.reason;
    return;
  }
  refuse_change(a);
}

void Master::refuse_change(const action::ReloadFailed& a) {
  const bool is_upgrade = change_ == Change::Upgrade;
  if (is_upgrade) stats_->count_upgrade(false);
  if (change_ == Change::Reload) stats_->note_reload(false, a.reason, std::chrono::system_clock::now());
  const std::string what = is_upgrade ? "upgrade" : "reload";
  const std::string kept = "generation " + std::to_string(a.kept_generation) + " goes on";
  for_each_line(a.reason, [&what](std::string_view line) {
    log().error(what + " problem", {{"problem", line}});
  });
  log().error(what + " refused", {{"generation", a.kept_generation}, {"outcome", kept}});
  if (change_ != Change::Workers)
    answer_askers("failed " + std::to_string(exit_code_for(a.kind)) + " " + what + " refused; " + kept + "\n" +
                  a.reason + "\n");
  systemd_.ready((is_upgrade ? "Upgrade refused; " : "Reload refused; ") + kept);
}

void Master::answer_askers(std::string_view text) {
  if (control_)
    for (const ControlSocket::ClientId client : reload_askers_) control_->answer(client, text);
  reload_askers_.clear();
}

// -- start and end

void Master::perform(const action::ServerReady& a) {
  if (pid_file_) {
    const Result<void> published = pid_file_->publish();
    if (!published && published.error().kind == ErrorKind::Unavailable) {
      perform(action::StartFailed{published.error().message()});
      return feed(event::StopRequested{StopMode::Quick});
    }
    if (!published) log().error("no pid file", {{"problem", published.error().message()}});
  }
  if (a.workers == a.wanted)
    log().info("ready", {{"generation", a.generation}, {"workers", a.workers}});
  else
    log().warning("ready", {{"generation", a.generation}, {"workers", a.workers}, {"wanted", a.wanted}});
  systemd_.ready(status_line());
  if (on_ready_ && !serving_->needs.empty()) on_ready_(listeners_.address_of(serving_->needs.front()));
}

void Master::perform(const action::StartFailed& a) {
  exit_code_ = kExitUnavailable;
  log().error("cannot start", {{"problem", a.reason}});
  // Whoever starts a server looks at the terminal first.
  if (serving_->logs.error_fd() != STDERR_FILENO)
    dprintf(STDERR_FILENO, "holdfast: cannot start: %s\n", a.reason.c_str());
}

void Master::perform(const action::Exit& /*a*/) {
  ended_ = true;
}

void Master::log_new_listeners() {
  for (const EndpointNeed& need : serving_->needs)
    if (listeners_.take_news(need))
      log().info("listening", {{"listener", need.name}, {"address", listeners_.address_of(need).text()}});
}

std::atomic<std::uint64_t>* Master::load_word_of(std::uint32_t slot) const {
  return board_ && slot != stats::kAdminSlot ? &board_->word(slot) : nullptr;
}

const Generation& Master::generation_of(std::uint64_t number) const {
  return pending_ && number > supervisor_->generation() ? *pending_ : *serving_;
}

std::string Master::status_line() const {
  return "Serving with " + std::to_string(serving_->config->process.workers) + " workers, generation " +
         std::to_string(supervisor_->generation());
}

}  // namespace holdfast::master
