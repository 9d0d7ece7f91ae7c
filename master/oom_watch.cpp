#include "master/oom_watch.h"

#include <charconv>
#include <fstream>
#include <string>

#include "common/cgroup.h"

namespace holdfast::master {
namespace {

constexpr std::chrono::seconds kInterval{10};
// From the decision of the kernel to the end of the process: it has much memory to give back.
constexpr std::chrono::seconds kSlowDeath{15};

/// Of all processes of the machine.
std::optional<std::uint64_t> machine_count() {
  constexpr std::string_view kName = "oom_kill ";
  std::ifstream in("/proc/vmstat");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kName)) continue;
    std::uint64_t count = 0;
    std::from_chars(line.data() + kName.size(), line.data() + line.size(), count);
    return count;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> OomWatch::kernel_count() {
  const std::optional<std::uint64_t> own = cgroup::oom_kills();
  return own ? own : machine_count();
}

void OomWatch::look(TimePoint now) {
  if (now < next_look_) return;
  take_count(now);
}

bool OomWatch::explains_kill(TimePoint now) {
  take_count(now);
  return risen_ && now - risen_at_ <= kSlowDeath;
}

void OomWatch::take_count(TimePoint now) {
  next_look_ = now + kInterval;
  const std::optional<std::uint64_t> count = count_();
  // What it was at the first look is of no account.
  if (looked_ && count && last_ && *count > *last_) {
    risen_ = true;
    risen_at_ = now;
  }
  looked_ = true;
  last_ = count;
}

}  // namespace holdfast::master
