// How long to wait before the next attempt to connect: from 100 ms, doubled each time, to 5 s; each drawn from
// the upper half, so that the workers of many hosts do not come all at once when a server is back.
#pragma once

#include <algorithm>
#include <random>

#include "common/clock.h"

namespace holdfast::broker {

class ReconnectDelay {
 public:
  static constexpr Milliseconds kFirst{100};
  static constexpr Milliseconds kLongest{5000};

  explicit ReconnectDelay(std::uint_fast32_t seed) : random_(seed) {}
  /// Before the next attempt.
  Milliseconds next() {
    const auto upper = longest_.count();
    longest_ = std::min(longest_ * 2, kLongest);
    return Milliseconds(std::uniform_int_distribution<Milliseconds::rep>(upper / 2, upper)(random_));
  }
  /// After a connection that was good for a while.
  void reset() { longest_ = kFirst; }

 private:
  std::minstd_rand random_;
  Milliseconds longest_ = kFirst;
};

}  // namespace holdfast::broker
