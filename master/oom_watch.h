// Whether the kernel has lately killed one of our processes because memory was short: SIGKILL itself does not
// say who sent it or why. Judged from the kernel's own counts, of our control group or, where there is none, of
// the whole machine; so it is a likely cause, not a proof.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "common/clock.h"

namespace holdfast::master {

class OomWatch {
 public:
  using Count = std::function<std::optional<std::uint64_t>()>;

  /// `count`: how many processes the kernel has killed for want of memory so far; empty: it does not tell.
  explicit OomWatch(Count count = kernel_count) : count_(std::move(count)) {}

  /// Looks at the count, if the last look is some time ago. Call it often: what rises long before a death has
  /// nothing to do with it.
  void look(TimePoint now);
  /// A worker was killed by a SIGKILL that we have not sent: was it for memory?
  bool explains_kill(TimePoint now);

  static std::optional<std::uint64_t> kernel_count();

 private:
  void take_count(TimePoint now);

  Count count_;
  std::optional<std::uint64_t> last_;
  bool looked_ = false;
  TimePoint next_look_ = TimePoint::min();
  TimePoint risen_at_ = TimePoint::min();  // noticed
  bool risen_ = false;
};

}  // namespace holdfast::master
