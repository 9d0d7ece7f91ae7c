// How many CPUs this process may use, and what says so: the CPUs it may run on, or the limit of its control
// group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast {

struct CpuAllowance {
  std::uint32_t cpus = 1;  // whole ones, at least 1
  std::string because;     // for people
};

/// `affinity`: CPUs that it may run on. A limit of 1.5 CPUs keeps two workers busy, each of them three
/// quarters.
CpuAllowance allowed_cpus(std::uint32_t affinity, std::optional<double> cgroup_limit);

/// Of this process, now.
CpuAllowance allowed_cpus();

}  // namespace holdfast
