// What the kernel's control groups, in which containers and units run, allow this process: both versions, at
// their customary places. Where there are none, or they cannot be read, nothing is limited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cgroup {

/// Where to look; tests have folders of their own.
struct Places {
  std::string membership = "/proc/self/cgroup";
  std::string mounts = "/sys/fs/cgroup";
};

/// "150000 100000" (cpu.max of version 2): 1.5 CPUs; empty: "max", or not understood.
std::optional<double> parse_cpu_max(std::string_view text);
/// cpu.cfs_quota_us and cpu.cfs_period_us of version 1, microseconds; a negative quota is no limit.
std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period);

/// The least CPU limit of our own group and those around it, in CPUs; empty: none.
std::optional<double> cpu_limit(const Places& places = {});

/// The least memory limit, in bytes, of our own group and those around it; empty: none.
std::optional<std::uint64_t> memory_limit(const Places& places = {});
/// Likewise of processes and threads.
std::optional<std::uint64_t> process_limit(const Places& places = {});

/// How many processes of our own group the kernel has killed for want of memory so far; empty: it does not tell
/// (the outermost group has no such figure).
std::optional<std::uint64_t> oom_kills(const Places& places = {});

}  // namespace holdfast::cgroup
