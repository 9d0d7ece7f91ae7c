// The generic cell rate algorithm (ITU-T I.371) on one number: the theoretical arrival time, when the next
// request would be due if all came evenly. A pure step; time is given.
#pragma once

#include <cstdint>

namespace holdfast {

struct Rate {
  std::uint64_t interval_ns = 1;  // between requests at the sustained rate
  std::uint64_t burst = 0;        // so many may come at once on top of the one that is due
  std::uint64_t slack_ns = 0;  // what is early by so little is on time: for who keeps the arrival time rounded
};

struct RateStep {
  bool admitted = false;
  std::uint64_t arrival_ns =
      0;                      // the theoretical arrival time to keep; unchanged for a request that is refused
  std::uint64_t wait_ns = 0;  // for one that is refused: until it would be admitted
};

/// `arrival_ns` is what the last step left, 0 at first; `now_ns` is any clock that does not go back.
constexpr RateStep rate_step(const Rate& rate, std::uint64_t arrival_ns, std::uint64_t now_ns) {
  const std::uint64_t due = arrival_ns > now_ns ? arrival_ns : now_ns;
  const std::uint64_t tolerance = rate.interval_ns * rate.burst + rate.slack_ns;
  if (due - now_ns > tolerance) return {false, arrival_ns, due - now_ns - tolerance};
  return {true, due + rate.interval_ns, 0};
}

}  // namespace holdfast
