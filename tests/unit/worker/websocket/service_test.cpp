#include "worker/websocket/service.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdfast::websocket {
namespace {

using std::chrono_literals::operator""ms;

/// The most that end in one step, when `open` conversations are to end within `left`.
std::size_t largest_step(std::size_t open, Duration left) {
  std::size_t most = 0;
  for (; open > 0 && left >= Duration::zero(); left -= Service::kFarewellStep) {
    const std::size_t due = Service::farewells_due(open, left);
    most = std::max(most, due);
    open -= due;
  }
  EXPECT_EQ(open, 0U) << "all in time";
  return most;
}

TEST(Farewells, are_spread_evenly) {
  EXPECT_EQ(largest_step(1000, 2000ms), 25U);
  EXPECT_EQ(largest_step(41, 2000ms), 1U);
  EXPECT_EQ(largest_step(3, 2000ms), 1U);
  EXPECT_EQ(largest_step(10'000, 100ms), 3334U);
}

TEST(Farewells, that_are_late_are_said_at_once) {
  EXPECT_EQ(Service::farewells_due(1000, 0ms), 1000U);
  EXPECT_EQ(Service::farewells_due(7, -200ms), 7U);
  EXPECT_EQ(Service::farewells_due(0, 100ms), 0U);
}

}  // namespace
}  // namespace holdfast::websocket
