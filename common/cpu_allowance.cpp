#include "common/cpu_allowance.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/cgroup.h"

namespace holdfast {
namespace {

/// 0 when it cannot be learned.
std::uint32_t affinity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 0;
  return static_cast<std::uint32_t>(CPU_COUNT(&cpus));
}

std::string number_text(double value) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 2).ptr;
  std::string number(text.data(), end);
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return number;
}

}  // namespace

CpuAllowance allowed_cpus(std::uint32_t affinity, std::optional<double> cgroup_limit) {
  const std::uint32_t usable = std::max(affinity, 1U);
  // A hundredth over is what dividing in microseconds leaves.
  const double limit = cgroup_limit ? std::max(std::ceil(*cgroup_limit - 0.01), 1.0) : usable;
  if (limit < usable)
    return {static_cast<std::uint32_t>(limit), "cgroup CPU limit " + number_text(*cgroup_limit)};
  if (affinity == 0) return {1, "the CPUs of this machine are not known"};
  return {usable, usable == 1 ? "1 CPU may be used" : std::to_string(usable) + " CPUs may be used"};
}

CpuAllowance allowed_cpus() {
  return allowed_cpus(affinity(), cgroup::cpu_limit());
}

}  // namespace holdfast
