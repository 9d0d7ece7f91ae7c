// The end of a wait: every wait of the tests is for an event, and a deadline only bounds it when the event
// never comes.
#pragma once

#include <poll.h>

#include <algorithm>

#include "common/clock.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {

/// Sanitized programs are several times slower; deadlines (never windows that are measured) are stretched with
/// this.
inline const int kPatience = tested_is_sanitized() ? 4 : 1;

class Deadline {
 public:
  explicit Deadline(Milliseconds in) : at_(Clock::now() + in * kPatience) {}
  bool passed() const { return Clock::now() >= at_; }
  TimePoint at() const { return at_; }
  /// For poll(): at least 0, rounded up.
  int milliseconds_left() const {
    const auto left = std::chrono::ceil<Milliseconds>(at_ - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000));
  }

 private:
  TimePoint at_;
};

/// Asks again and again, with a breath between, until `condition` holds; false when the deadline passed first.
template <class Condition>
bool eventually(Milliseconds in, Condition condition) {
  const Deadline deadline(in);
  for (;;) {
    if (condition()) return true;
    if (deadline.passed()) return false;
    ::poll(nullptr, 0, 3);
  }
}

}  // namespace holdfast::support
