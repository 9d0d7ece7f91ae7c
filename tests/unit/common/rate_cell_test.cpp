#include "common/rate_cell.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr Rate kTenASecond{kSecond / 10, 5, 0};

TEST(RateCell, admits_the_burst_and_the_one_that_is_due_and_no_more) {
  std::uint64_t arrival = 0;
  int admitted = 0;
  for (int i = 0; i < 20; ++i) {
    const RateStep step = rate_step(kTenASecond, arrival, 7 * kSecond);
    admitted += step.admitted;
    arrival = step.arrival_ns;
  }
  EXPECT_EQ(admitted, 6);
}

TEST(RateCell, says_how_long_to_wait_and_admits_then) {
  std::uint64_t arrival = 0;
  for (int i = 0; i < 6; ++i) arrival = rate_step(kTenASecond, arrival, kSecond).arrival_ns;
  const RateStep refused = rate_step(kTenASecond, arrival, kSecond);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.wait_ns, kSecond / 10);
  EXPECT_EQ(refused.arrival_ns, arrival);
  EXPECT_FALSE(rate_step(kTenASecond, arrival, kSecond + refused.wait_ns - 1).admitted);
  EXPECT_TRUE(rate_step(kTenASecond, arrival, kSecond + refused.wait_ns).admitted);
}

TEST(RateCell, keeps_to_its_rate_in_the_long_run) {
  std::uint64_t arrival = 0;
  int admitted = 0;
  for (std::uint64_t now = kSecond; now < 101 * kSecond; now += kSecond / 1000) {
    const RateStep step = rate_step(kTenASecond, arrival, now);
    admitted += step.admitted;
    arrival = step.arrival_ns;
  }
  EXPECT_NEAR(admitted, 1005, 1);
}

}  // namespace
}  // namespace holdfast
