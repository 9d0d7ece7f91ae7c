// Time as a passed-in value. Pure pieces take a TimePoint; only the two loops (master, worker) read the clock.
#pragma once

#include <chrono>

namespace holdfast {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Milliseconds = std::chrono::milliseconds;
using WallTime = std::chrono::system_clock::time_point;

inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace holdfast
