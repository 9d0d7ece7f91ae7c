#include "common/rate_table.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace holdfast {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t steady_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

TEST(RateTable, counts_each_key_and_each_limit_apart) {
  const RateTable table = *RateTable::create();
  const Rate rate{kSecond, 2, 0};
  for (const std::uint64_t limit : {1, 2})
    for (const char* key : {"a", "b", ""}) {
      int admitted = 0;
      for (int i = 0; i < 10; ++i) admitted += table.ask(limit, key, rate, 5 * kSecond).admitted;
      EXPECT_EQ(admitted, 3) << limit << key;
    }
}

TEST(RateTable, tells_how_long_to_wait) {
  const RateTable table = *RateTable::create();
  const Rate rate{10 * kSecond, 0, 0};
  EXPECT_TRUE(table.ask(1, "a", rate, kSecond).admitted);
  const RateTable::Verdict verdict = table.ask(1, "a", rate, kSecond);
  EXPECT_FALSE(verdict.admitted);
  EXPECT_NEAR(static_cast<double>(verdict.wait_ns), 10.0 * kSecond, 0.001 * kSecond);
}

// Rounding to ticks must not add up: here an interval is less than one tick.
TEST(RateTable, is_exact_at_high_rates_and_at_low_ones) {
  for (const std::uint64_t per_second : {7, 100, 3000, 10'000}) {
    const RateTable table = *RateTable::create();
    const Rate rate{kSecond / per_second, 10, 0};
    std::uint64_t admitted = 0;
    for (std::uint64_t now = kSecond; now < 6 * kSecond; now += kSecond / 50'000)
      admitted += table.ask(1, "client", rate, now).admitted;
    const double expected = static_cast<double>(5 * per_second + 11);
    EXPECT_NEAR(static_cast<double>(admitted), expected, 1 + 0.02 * expected) << per_second;
  }
}

TEST(RateTable, a_crowd_of_strangers_lifts_nobodys_limit_while_he_uses_it) {
  const RateTable table = *RateTable::create();
  const Rate rate{kSecond / 10, 5, 0};
  int admitted = 0;
  std::uint64_t now = kSecond;
  for (int round = 0; round < 200; ++round, now += kSecond / 100) {
    admitted += table.ask(1, "client", rate, now).admitted;
    // Each stranger comes once: never above his rate, so never in the client's way.
    for (int i = 0; i < 500; ++i) (void)table.ask(1, "stranger" + std::to_string(round * 500 + i), rate, now);
  }
  EXPECT_LE(admitted, 28);  // 5 + 1 + 20 in two seconds
}

TEST(RateTable, processes_share_one_limit) {
  const RateTable table = *RateTable::create();
  const Rate rate{kSecond / 500, 20, 0};
  const std::uint64_t begin = steady_ns();
  const std::uint64_t end = begin + kSecond;
  std::vector<pid_t> children;
  int results[2];
  ASSERT_EQ(pipe(results), 0);
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      std::uint64_t admitted = 0;
      for (std::uint64_t now = steady_ns(); now < end; now = steady_ns())
        admitted += table.ask(1, "x", rate, now).admitted;
      (void)!write(results[1], &admitted, sizeof admitted);
      _exit(0);
    }
    children.push_back(child);
  }
  std::uint64_t total = 0;
  for (const pid_t child : children) {
    std::uint64_t one = 0;
    ASSERT_EQ(read(results[0], &one, sizeof one), static_cast<ssize_t>(sizeof one));
    total += one;
    waitpid(child, nullptr, 0);
  }
  close(results[0]);
  close(results[1]);
  EXPECT_NEAR(static_cast<double>(total), 521, 26);
}

}  // namespace
}  // namespace holdfast
