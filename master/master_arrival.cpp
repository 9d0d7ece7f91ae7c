// Taking over from another binary, in the same process: what it has left is made this master's own. Until the
// workers of this binary serve, the former one can come back.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common/log.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {
namespace {

/// A descriptor of this process's own for what was handed over; empty when there is none. What was handed over
/// stays open, for the former binary, should it come back.
Fd own(int fd) {
  return fd >= 0 ? Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3)) : Fd();
}

bool all_open(const std::vector<int>& sockets) {
  return std::ranges::all_of(sockets, [](int fd) { return fcntl(fd, F_GETFD) >= 0; });
}

// For what this process does itself, beside waiting for its workers.
constexpr std::chrono::seconds kPatience{5};

/// What another version has left may be of another layout: then it begins anew, which is no harm here.
template <class Memory>
Result<Memory> attached_or_new(int fd) {
  Result<Memory> memory = Memory::attach(own(fd));
  if (memory) return memory;
  log().warning("begun anew", {{"problem", memory.error().message()}});
  return Memory::create();
}

/// The configuration that serves, as its files were then; as they are now where this version reads them
/// otherwise.
config::Loaded load_serving(const ReadConfig& read, const std::string& packed) {
  if (const std::optional<config::Sources> sources = config::Sources::unpack(packed)) {
    const config::ReplayedSources replayed(*sources);
    config::Loaded loaded = read();
    loaded.sources = *sources;
    if (loaded.config) return loaded;
  }
  return read();
}

}  // namespace

int Master::run(Arrival arrival) {
  log().set_role("master");
  prctl(PR_SET_NAME, "holdfast");
  try {
    if (const int code = take_over(std::move(arrival)); code != kExitOk) {
      CrashNet::fall(leaving_reason_);
      log().error("cannot go on", {{"problem", leaving_reason_}});
      return code;
    }
    while (!ended_) turn();
  } catch (const std::exception& problem) {
    // Before anything of this object is destroyed, which would remove the files of sockets and the pid file.
    CrashNet::fall(std::string("the new binary failed: ") + problem.what());
    throw;
  }
  return finish();
}

int Master::take_over(Arrival arrival) {
  log().configure(2, LogLevel::Info, LogFormat::Text);
  Result<SignalSource> signals = SignalSource::open();
  if (!signals) {
    leaving_reason_ = signals.error().message();
    return kExitSystem;
  }
  signals_ = std::move(*signals);
  const std::optional<std::string> returned = arrival.handover.returned;
  signals_->admit_faults(!returned);
  binary_.path = arrival.handover.binary;
  if (Result<void> adopted = adopt(arrival.handover); !adopted) {
    leaving_reason_ = adopted.error().message();
    return kExitInternal;
  }
  if (systemd_.watchdog_interval() > Duration::zero()) {
    watchdog_at_ = Clock::now();
    watchdog_ = Watchdog(systemd_.watchdog_interval());
  }
  if (returned) {
    close_handed(arrival.handover);
    go_on_after_return(*returned);
  } else {
    log().info("took over", {{"version", HOLDFAST_VERSION}, {"from", arrival.handover.version}});
    predecessor_ = std::move(arrival);
    feed(event::ReloadRequested{});
  }
  reap_children();
  settle_events();
  return kExitOk;
}

Result<void> Master::adopt(const Handover& handover) {
  if (Result<void> memory = adopt_memory(handover); !memory) return memory;
  std::vector<HandedEndpoint> endpoints = handover.endpoints;
  std::erase_if(endpoints, [](const HandedEndpoint& endpoint) { return !all_open(endpoint.sockets); });
  for (HandedEndpoint& endpoint : endpoints) {
    for (int& socket : endpoint.sockets) socket = own(socket).release();
    endpoint.map = own(endpoint.map).release();
  }
  listeners_.adopt(endpoints);
  store_.keep(listeners_.handed(), systemd_);
  if (Result<void> serving = adopt_serving(handover); !serving) return serving;
  const config::Config& config = *serving_->config;
  stats_.emplace(*segment_, config.file, std::nullopt);
  if (const std::string& path = config.process.pid_file; !path.empty()) {
    pid_file_.emplace(PidFile::adopt(path, own(handover.pid_file)));
    if (Fd listener = own(handover.control_socket))
      control_.emplace(ControlSocket::adopt(control_path_of(path), std::move(listener)));
  }
  if (control_)
    for (const int asker : handover.askers)
      if (Fd socket = own(asker)) waiting_askers_.push_back(control_->adopt_client(std::move(socket)));
  fused_ = stats::read_fuses(segment_->fuses());
  adopt_processes(handover);
  take_ticket_settings(Clock::now());
  follow_certificates(Clock::now());
  return {};
}

Result<void> Master::adopt_memory(const Handover& handover) {
  Result<stats::Segment> segment = stats::Segment::attach(handover.segment);
  if (!segment) return segment.error();
  Result<limits::SharedLimits> shared_limits = attached_or_new<limits::SharedLimits>(handover.limits);
  if (!shared_limits) return shared_limits.error();
  Result<tickets::TicketKeys> ticket_keys = attached_or_new<tickets::TicketKeys>(handover.tickets);
  if (!ticket_keys) return ticket_keys.error();
  Result<broadcast::Segment> broadcast = attached_or_new<broadcast::Segment>(handover.broadcast);
  if (!broadcast) return broadcast.error();
  segment_ = std::move(*segment);
  limits_ = std::move(*shared_limits);
  tickets_ = std::move(*ticket_keys);
  broadcast_ = std::move(*broadcast);
  return {};
}

Result<void> Master::adopt_serving(const Handover& handover) {
  config::Loaded loaded = load_serving(read_config_, handover.sources);
  if (!loaded.config) {
    std::string text;
    for (const config::Problem& problem : loaded.problems) text += (text.empty() ? "" : "\n") + problem.text();
    return Error{ErrorKind::Configuration, 0, text};
  }
  std::shared_ptr<const config::Config> config = loaded.config;
  CrashNet::set_limit(std::chrono::ceil<std::chrono::seconds>(config->process.start_timeout) + kPatience);
  if (config->process.workers != handover.workers) config = with_workers(*config, handover.workers);
  Result<std::unique_ptr<Generation>> serving = adopt_generation(config, *segment_);
  if (!serving && handover.returned) {
    // Whatever has become of its log files, the server goes on.
    log().error("log files not opened: standard error has the log", {{"problem", serving.error().message()}});
    auto quiet = std::make_shared<config::Config>(*config);
    quiet->log.error.to = "stderr";
    quiet->log.access.enabled = false;
    serving = adopt_generation(quiet, *segment_);
  }
  if (!serving) return serving.error();
  serving_ = std::move(*serving);
  serving_->sources = std::move(loaded.sources);
  serving_->logs.use();
  signals_->hold();
  return {};
}

void Master::adopt_processes(const Handover& handover) {
  Past past{handover.generation, handover.last_generation, handover.last_process, {}};
  for (const HandedProcess& process : handover.processes) {
    Fd pidfd = own(process.pidfd);
    if (!pidfd) pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
    if (!pidfd) continue;  // gone, and reaped by another
    past.processes.push_back({process.slot, process.current, process.known});
    processes_.emplace(process.known.id,
                       WorkerProcess{process.known.id, process.slot, process.known.generation, process.seat,
                                     process.pid, std::move(pidfd), own(process.control),
                                     WorkerLog(own(process.log), process.log_opening)});
  }
  Settings settings = settings_of(*serving_->config);
  settings.workers = handover.wanted;
  supervisor_.emplace(settings, past);
}

void Master::go_on_after_return(const std::string& reason) {
  reload_askers_ = std::exchange(waiting_askers_, {});
  change_ = Change::Upgrade;
  refuse_change({reason, supervisor_->generation()});
}

// A worker of a binary that has crashed on its way is no child that this one knows, but has had a seat.
void Master::free_seat_of(pid_t pid) {
  for (std::uint32_t seat = stats::kMasterSeat + 1; seat < segment_->seats_used(); ++seat) {
    const stats::SeatState& state = segment_->seat_state(seat);
    if (state.pid.load() != static_cast<std::uint64_t>(pid) ||
        state.use.load() == static_cast<std::uint64_t>(stats::SeatUse::Free))
      continue;
    take_over_lines(serving_ ? WorkerLog(serving_->logs) : WorkerLog(), seat);
    limits_->clear_seat(seat);
    broadcast_->free_lanes_of(seat);
    segment_->retire_seat(seat);
  }
}

}  // namespace holdfast::master
