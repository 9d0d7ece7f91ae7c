// What `holdfast doctor` thinks of the machine itself: limits, kernel, memory, time, service manager.
#include <algorithm>
#include <chrono>

#include "common/ascii.h"
#include "master/doctor_checks.h"
#include "master/exit_status.h"

namespace holdfast::master {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

void judge_server(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  findings.ok(facts.server == 0 ? "none runs with this configuration"
                                : "it runs with the pid " + std::to_string(facts.server));
}

void judge_kernel(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  for (const std::string& call : facts.missing_calls)
    findings.problem("the system call " + call + " cannot be made here (Linux " + facts.kernel + ")",
                     "take Linux 5.9 or newer, and let a container's filter of system calls pass it");
  if (facts.missing_calls.empty())
    findings.ok("Linux " + facts.kernel + " has what the server cannot do without");
}

void judge_sandbox(const config::Config& config, const Facts& facts, Findings& findings) {
  if (config.process.sandbox == config::Sandbox::Off)
    return findings.note("workers are not locked in: process.sandbox is off", "set it to auto");
  if (facts.missing_of_sandbox.empty()) return findings.ok("workers can be locked in");
  if (config.process.sandbox == config::Sandbox::Strict)
    findings.problem(
        "workers cannot be locked in, as process.sandbox: strict demands: " + facts.missing_of_sandbox,
        "take a newer kernel, or set it to auto");
  else
    findings.note("workers can be locked in only in part: " + facts.missing_of_sandbox, "");
}

void judge_balance(const config::Config& config, const Facts& facts, Findings& findings) {
  if (config.process.balance != config::Balance::LeastConnections) return;
  if (facts.may_use_bpf) return findings.ok("the kernel can be told how loaded workers are");
  const char* const what = "this user may not tell the kernel how loaded workers are";
  if (facts.unit && facts.unit->find("CAP_BPF") != std::string::npos)
    findings.note(what, "the service may");
  else
    findings.warning(
        what, "start as root or give CAP_BPF: process.balance: least_connections is without effect else");
}

void judge_descriptors(const config::Config& config, const Facts& facts, Findings& findings) {
  constexpr std::uint64_t kOwn = 64;  // logs, memory, listeners, channels
  if (!facts.descriptors) return findings.note("the limit of descriptors cannot be seen", "");
  const std::uint64_t workers = std::max<std::uint64_t>(config.process.workers, 1);
  const std::uint64_t share = (config.limits.connections + workers - 1) / workers;
  const std::string what = "a process may have " + std::to_string(*facts.descriptors) +
                           " descriptors; limits.connections lets a worker have " + std::to_string(share) +
                           " connections as a rule";
  if (*facts.descriptors < share + kOwn)
    findings.warning(
        what,
        "raise LimitNOFILE= of the unit (ulimit -Hn), or lower limits.connections: a worker without "
        "descriptors lets new connections wait");
  else
    findings.ok(what);
}

void judge_backlog(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  constexpr std::uint64_t kFew = 1024;
  if (!facts.somaxconn) return findings.note("net.core.somaxconn cannot be seen", "");
  const std::string what = "at most " + std::to_string(*facts.somaxconn) + " connections wait for a worker";
  if (*facts.somaxconn < kFew)
    findings.warning(what, "sysctl net.core.somaxconn=4096: what does not fit in a rush is turned away");
  else
    findings.ok(what);
  if (facts.syn_backlog && *facts.syn_backlog < kFew)
    findings.note("at most " + std::to_string(*facts.syn_backlog) + " connections are being made at once",
                  "sysctl net.ipv4.tcp_max_syn_backlog=4096");
}

void judge_memory(const config::Config& config, const Facts& facts, Findings& findings) {
  if (facts.check.code == kExitSystem)
    for (const std::string& problem : facts.check.problems) findings.problem(problem, "raise that limit");
  if (facts.file_size)
    findings.warning("files may have " + std::to_string(*facts.file_size / kMiB) + " MiB (ulimit -f)",
                     "take that limit away: it ends logs, and shared memory counts as a file");
  if (facts.overcommit == 2)
    findings.note("memory is not promised beyond what is there (vm.overcommit_memory=2)",
                  "leave room: the shared memory is promised in full, though little of it is used");
  if (!facts.memory) return findings.ok("the control group has no memory limit");
  // What an idle server takes, twice in a reload.
  const std::uint64_t least = (32 + 16 * std::uint64_t{config.process.workers}) * kMiB;
  const std::string what =
      "the control group may have " + std::to_string(*facts.memory / kMiB) + " MiB of memory";
  if (*facts.memory < least)
    findings.warning(what + ", little for " + std::to_string(config.process.workers) + " workers",
                     "raise MemoryMax= or the container's limit, or lower process.workers");
  else
    findings.ok(what);
}

void judge_processes(const config::Config& config, const Facts& facts, Findings& findings) {
  // Two generations of workers with the threads of each, the master and the admin process.
  const std::uint64_t least = 16 + 8 * std::uint64_t{config.process.workers};
  if (facts.processes && *facts.processes < least)
    findings.warning(
        "the control group may have " + std::to_string(*facts.processes) + " processes and threads",
        "raise TasksMax= or the container's limit to " + std::to_string(least) +
            " at least: a reload starts the new workers beside the old ones");
  const std::uint32_t workers = config.process.workers;
  const std::string what =
      std::to_string(workers) + (workers == 1 ? " worker; " : " workers; ") + facts.cpus.because;
  if (workers > 2 * facts.cpus.cpus)
    findings.note(what, "process.workers: auto starts as many as can run at once");
  else
    findings.ok(what);
}

void judge_clock(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  using std::chrono::days;
  constexpr days kLong{365 * 20};
  if (facts.built && facts.now + days(1) < *facts.built)
    findings.problem("the clock stands before the day on which this program was made",
                     "set the clock: certificates are judged by it");
  else if (facts.built && facts.now > *facts.built + kLong)
    findings.warning("the clock stands decades after the day on which this program was made",
                     "look at the clock");
  else
    findings.ok("the clock can be right");
  if (facts.clock_is_synchronised == false)
    findings.note("the clock is not kept right by anything the kernel knows of",
                  "run systemd-timesyncd or chrony: certificates, cookies and logs go by it");
}

/// "40s", "2min", "90": of a unit, the last one counts; empty when it is not said, or in another way.
std::optional<std::uint64_t> seconds_in(const std::string& unit, const std::string& key) {
  const std::size_t at = unit.rfind("\n" + key + "=");
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + key.size() + 2;
  const std::size_t end = std::min(unit.find_first_not_of("0123456789", begin), unit.size());
  const std::optional<std::uint64_t> number = parse_decimal(std::string_view(unit).substr(begin, end - begin));
  const std::string suffix = unit.substr(end, unit.find('\n', end) - end);
  if (!number || (suffix != "" && suffix != "s" && suffix != "min")) return std::nullopt;
  return suffix == "min" ? *number * 60 : *number;
}

void judge_service(const config::Config& config, const Facts& facts, Findings& findings) {
  if (!facts.has_systemd || !facts.unit) return;
  if (facts.unit->find("\nFileDescriptorStoreMax=") == std::string::npos)
    findings.note("the unit keeps no listening sockets over a restart",
                  "add FileDescriptorStoreMax=16384 to it");
  const auto patience = seconds_in(*facts.unit, "TimeoutStopSec");
  const auto drain = std::chrono::ceil<std::chrono::seconds>(config.process.shutdown_timeout).count();
  if (patience && *patience <= static_cast<std::uint64_t>(drain))
    findings.warning("systemd kills after TimeoutStopSec=" + std::to_string(*patience) +
                         "s, before process.shutdown_timeout (" + std::to_string(drain) + "s) is over",
                     "systemctl edit holdfast: TimeoutStopSec=" + std::to_string(drain + 10) + "s");
  else
    findings.ok("the unit suits the configuration");
}

constexpr CheckRow kMachineChecks[] = {
    {"server", Subject::Machine, judge_server},
    {"kernel", Subject::Machine, judge_kernel},
    {"sandbox", Subject::Machine, judge_sandbox},
    {"balance", Subject::Machine, judge_balance},
    {"descriptors", Subject::Machine, judge_descriptors},
    {"backlog", Subject::Machine, judge_backlog},
    {"memory", Subject::Machine, judge_memory},
    {"processes", Subject::Machine, judge_processes},
    {"clock", Subject::Machine, judge_clock},
    {"service", Subject::Machine, judge_service},
};

}  // namespace

std::span<const CheckRow> machine_checks() {
  return kMachineChecks;
}

}  // namespace holdfast::master
