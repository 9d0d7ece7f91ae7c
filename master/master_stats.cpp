#include "master/master_stats.h"

#include <csignal>

#include "common/log.h"

namespace holdfast::master {
namespace {

using stats::Metric;

std::uint64_t nanoseconds(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

template <class Enum>
std::uint16_t label(Enum value) {
  return static_cast<std::uint16_t>(value);
}

}  // namespace

MasterStats::MasterStats(stats::Segment& segment, std::string_view config_file, std::optional<WallTime> started)
    : segment_(segment), stats_(segment, stats::kMasterSeat) {
  segment_.note_facts(HOLDFAST_VERSION, config_file);
  stats_.cell(Metric::BuildInfo).set(1);
  if (started) {
    stats_.cell(Metric::StartTime).set(nanoseconds(*started));
    stats_.cell(Metric::ConfigLastReloadSuccessful).set(1);
    stats_.cell(Metric::ConfigLastReloadSuccessTimestamp).set(nanoseconds(*started));
  }
  // Series that are there from the start show their first event as a step from 0.
  for (std::uint16_t result = 0; result < label(stats::ReloadResult::kCount); ++result) {
    stats_.cell(Metric::ConfigReloads, result);
    stats_.cell(Metric::BinaryUpgrades, result);
  }
  for (std::uint16_t reason = 0; reason < label(stats::ExitReason::kCount); ++reason)
    stats_.cell(Metric::WorkerExits, reason);
}

void MasterStats::publish(const Supervisor& supervisor, TimePoint now) {
  const Supervisor::Census census = supervisor.census(now);
  stats_.cell(Metric::Generation).set(supervisor.generation());
  stats_.cell(Metric::WorkersWanted).set(supervisor.wanted_workers());
  stats_.cell(Metric::Workers, label(stats::WorkerState::Starting)).set(census.starting);
  stats_.cell(Metric::Workers, label(stats::WorkerState::Ready)).set(census.ready);
  stats_.cell(Metric::Workers, label(stats::WorkerState::Draining)).set(census.draining);
  stats_.cell(Metric::Workers, label(stats::WorkerState::BackingOff)).set(census.backing_off);
  if (const std::uint64_t dropped = log().take_dropped(); dropped > 0)
    stats_.cell(Metric::LogLinesDropped).add(dropped);
}

void MasterStats::show_limits(const config::Limits& limits) {
  stats_.cell(Metric::ConnectionsLimit).set(limits.connections);
}

void MasterStats::count_end(stats::ExitReason reason) {
  stats_.cell(Metric::WorkerExits, label(reason)).add();
}

void MasterStats::count_dropped_lines(std::uint64_t lines) {
  if (lines > 0) stats_.cell(Metric::LogLinesDropped).add(lines);
}

void MasterStats::note_reload(bool successful, std::string_view text, WallTime when) {
  const auto result = successful ? stats::ReloadResult::Success : stats::ReloadResult::Failure;
  stats_.cell(Metric::ConfigReloads, label(result)).add();
  stats_.cell(Metric::ConfigLastReloadSuccessful).set(successful ? 1 : 0);
  if (successful) stats_.cell(Metric::ConfigLastReloadSuccessTimestamp).set(nanoseconds(when));
  segment_.note_reload(when, successful, text);
}

void MasterStats::count_upgrade(bool successful) {
  const auto result = successful ? stats::ReloadResult::Success : stats::ReloadResult::Failure;
  stats_.cell(Metric::BinaryUpgrades, label(result)).add();
}

void MasterStats::show_fused(std::uint16_t site, std::uint16_t route, bool fused) {
  stats_.cell(Metric::RouteFused, site, route).set(fused ? 1 : 0);
}

void MasterStats::note_expiries(const std::vector<std::pair<std::string, WallTime>>& expiries) {
  const auto former = std::exchange(expiries_, {});
  for (const auto& [file, until] : expiries) {
    const std::uint16_t index = segment_.intern_certificate(file);
    stats::Cell cell = stats_.cell(Metric::TlsCertificateExpiry, index);
    cell.set(static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(until)));
    expiries_.emplace(index, cell);
  }
  for (auto [index, cell] : former)
    if (!expiries_.contains(index)) cell.set(0);
}

void MasterStats::count_certificate_change(bool taken) {
  const auto result = taken ? stats::ReloadResult::Success : stats::ReloadResult::Failure;
  stats_.cell(Metric::TlsCertificateChanges, label(result)).add();
}

stats::ExitReason reason_of(const SlotProcess* process, const ExitStatus& status) {
  using stats::ExitReason;
  if (process == nullptr) return status.signaled ? ExitReason::Signal : ExitReason::Exit;
  if (process->was_hung) return ExitReason::Hung;
  const bool clean = !status.signaled && status.number == kExitOk;
  switch (process->state) {
    case ProcessState::Killing:
      return ExitReason::Killed;
    case ProcessState::Draining:
    case ProcessState::Finishing:
      if (clean) return ExitReason::Drained;
      break;
    case ProcessState::Quitting:
      if (!process->problem.empty()) return ExitReason::StartFailed;
      if (clean) return ExitReason::Quit;
      break;
    case ProcessState::Starting:
      if (!status.signaled) return ExitReason::StartFailed;
      break;
    case ProcessState::Ready:
    case ProcessState::Hung:
    case ProcessState::Aborting:
      break;
  }
  return status.signaled ? ExitReason::Signal : ExitReason::Exit;
}

bool killed_by_others(stats::ExitReason reason, const ExitStatus& status) {
  return reason == stats::ExitReason::Signal && status.number == SIGKILL;
}

}  // namespace holdfast::master
