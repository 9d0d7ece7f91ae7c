#include "common/limits/arrival_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>
#include <vector>

#include "common/limits/shared_limits.h"

namespace holdfast::limits {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

constexpr Pace pace(std::uint64_t rate, std::uint64_t burst) {
  return {kSecond / rate, kSecond / rate * burst};
}

// How many of the requests that ask from `from` to `to`, one each `step`, are admitted.
std::uint64_t admitted(std::span<Bucket> table, std::uint64_t key, std::uint64_t from, std::uint64_t to,
                       std::uint64_t step, const Pace& pace) {
  std::uint64_t count = 0;
  for (std::uint64_t now = from; now < to; now += step) count += take(table, key, now, pace).admitted ? 1 : 0;
  return count;
}

std::uint64_t hash_of(std::uint64_t number) {
  return keyed_hash({1, 2}, {reinterpret_cast<const char*>(&number), sizeof number});
}

TEST(ArrivalTime, admits_the_burst_at_once_and_then_at_the_pace) {
  const Pace ten = pace(10, 3);
  std::uint64_t time = 0;
  for (int i = 0; i < 3; ++i) {
    const Decision decision = decide(time, 5 * kSecond, ten);
    ASSERT_TRUE(decision.admitted);
    time = decision.time;
  }
  const Decision refused = decide(time, 5 * kSecond, ten);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.wait, kSecond / 10);
  EXPECT_FALSE(decide(time, 5 * kSecond + refused.wait - 1, ten).admitted);
  EXPECT_TRUE(decide(time, 5 * kSecond + refused.wait, ten).admitted);
}

TEST(ArrivalTime, gives_the_whole_burst_back_to_who_rested_and_no_more) {
  std::vector<Bucket> table(16);
  const Pace ten = pace(10, 4);
  EXPECT_EQ(admitted(table, 7, kSecond, kSecond + 100, 1, ten), 4u);
  EXPECT_EQ(admitted(table, 7, 100 * kSecond, 100 * kSecond + 100, 1, ten), 4u);
}

TEST(ArrivalTable, holds_each_key_to_rate_and_burst_exactly) {
  std::vector<Bucket> table(1024);
  const Pace fifty = pace(50, 10);
  for (std::uint64_t key = 1; key <= 100; ++key)
    EXPECT_EQ(admitted(table, hash_of(key), kSecond, 3 * kSecond, 999, fifty), 10u + 99u) << key;
}

TEST(ArrivalTable, forgets_first_who_has_all_of_his_allowance) {
  std::vector<Bucket> table(1);
  const Pace slow = pace(1, 2);
  // One key uses up its burst; as many strangers as there are other places, and more, come later and rest.
  EXPECT_EQ(admitted(table, hash_of(1), kSecond, kSecond + 5, 1, slow), 2u);
  for (std::uint64_t stranger = 2; stranger < 40; ++stranger) {
    EXPECT_TRUE(take(table, hash_of(stranger), kSecond + 10, {1, 10}).admitted);
    EXPECT_FALSE(take(table, hash_of(1), kSecond + 10, slow).admitted) << stranger;
  }
}

TEST(ArrivalTable, gives_nothing_to_keys_that_push_each_other_out) {
  std::vector<Bucket> table(1);
  const Pace limit = pace(1, 5);
  // Forty keys on the eight places of one bucket, asking by turns as fast as they can, for twenty seconds.
  std::uint64_t count = 0;
  for (std::uint64_t now = kSecond; now < 21 * kSecond; now += 1000)
    count += take(table, hash_of(now % 40000), now, limit).admitted ? 1 : 0;
  EXPECT_GE(count, 8u * (5 + 19));
  EXPECT_LE(count, 8u * (5 + 20));
}

TEST(ArrivalTable, lets_strangers_through_while_half_of_it_is_used_up_by_others) {
  std::vector<Bucket> table(kRegionBuckets);
  const Pace hourly{3600 * kSecond, 3600 * kSecond};
  const std::uint64_t places = kRegionBuckets * kBucketWords;
  std::uint64_t used = 0;
  for (std::uint64_t attacker = 0; attacker < places / 2; ++attacker)
    used += take(table, hash_of(attacker), kSecond, hourly).admitted ? 1 : 0;
  EXPECT_GE(used, places / 2 - 20) << "all but a few whose tags are equal by chance";
  std::uint64_t refused = 0;
  for (std::uint64_t stranger = 0; stranger < 1000; ++stranger)
    refused += take(table, hash_of(places + stranger), kSecond, hourly).admitted ? 0 : 1;
  EXPECT_LE(refused, 1u);
}

TEST(ArrivalTable, is_not_held_up_by_what_a_slower_limit_left) {
  std::vector<Bucket> table(1);
  const Pace daily{86'400 * kSecond, 86'400 * kSecond};
  for (std::uint64_t key = 1; key <= 8; ++key) EXPECT_TRUE(take(table, hash_of(key), kSecond, daily).admitted);
  const Decision refused = take(table, hash_of(100), kSecond, pace(10, 1));
  EXPECT_LE(refused.wait, kSecond / 10) << "a tenth of a second is all that its own limit knows";
}

TEST(ArrivalTable, limits_nothing_rather_than_all_at_the_end_of_its_time) {
  std::vector<Bucket> table(1);
  EXPECT_EQ(admitted(table, 7, kTimeMask, kTimeMask + 50, 1, pace(10, 2)), 50u);
}

constexpr Pace kHammered = pace(20'000, 4000);
constexpr std::uint64_t kHammeredFor = 500'000;  // microseconds
constexpr double kHammeredAdmits = 20'000 * 0.5 + 4000;

/// A clock that goes on by a microsecond with each reading, whoever reads it: however the machine shares out
/// its time, none of it is lost.
using SharedClock = std::atomic<std::uint64_t>;

// What a worker admits until the clock says so.
std::uint64_t hammer(const SharedLimits& shared, std::uint64_t key, SharedClock& clock) {
  std::uint64_t count = 0;
  for (std::uint64_t now = clock.fetch_add(1); now < kHammeredFor; now = clock.fetch_add(1))
    count += take(shared.rates(kHammered, false), key, now, kHammered).admitted ? 1 : 0;
  return count;
}

TEST(ArrivalTable, is_exact_for_threads_that_hammer_one_key) {
  const SharedLimits shared = *SharedLimits::create();
  std::atomic<std::uint64_t> count{0};
  SharedClock clock{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { count += hammer(shared, hash_of(1), clock); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_NEAR(static_cast<double>(count), kHammeredAdmits, 0.05 * kHammeredAdmits);
}

TEST(ArrivalTable, is_exact_for_processes_that_hammer_one_key_also_when_one_is_killed) {
  const SharedLimits shared = *SharedLimits::create();
  void* const memory =
      mmap(nullptr, 2 * sizeof(SharedClock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const clocks = static_cast<SharedClock*>(memory);
  int results[2];
  ASSERT_EQ(pipe(results), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      // The first asks for another key, for as long as it lives.
      while (i == 0) {
        hammer(shared, hash_of(2), clocks[1]);
        clocks[1] = 0;
      }
      const std::uint64_t count = hammer(shared, hash_of(1), clocks[0]);
      _exit(write(results[1], &count, sizeof count) == sizeof count ? 0 : 1);
    }
    children.push_back(child);
  }
  std::uint64_t total = 0;
  for (int i = 0; i < 3; ++i) {
    std::uint64_t count = 0;
    ASSERT_EQ(read(results[0], &count, sizeof count), static_cast<ssize_t>(sizeof count));
    total += count;
  }
  kill(children[0], SIGKILL);
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  close(results[0]);
  close(results[1]);
  munmap(memory, 2 * sizeof(SharedClock));
  EXPECT_NEAR(static_cast<double>(total), kHammeredAdmits, 0.05 * kHammeredAdmits);
  EXPECT_TRUE(take(shared.rates(kHammered, false), hash_of(2), 10 * kHammeredFor, kHammered).admitted);
}

TEST(ArrivalTable, never_holds_a_key_twice_however_its_first_requests_meet) {
  const Pace once{3600 * kSecond, 3600 * kSecond};
  std::vector<Bucket> table(4);
  // Strangers stir the same few buckets while each key is asked for by all threads at once: one may pass.
  std::atomic<std::uint64_t> count{0};
  std::atomic<int> waiting{0};
  constexpr int kThreads = 4;
  constexpr std::uint64_t kKeys = 3000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      for (std::uint64_t key = 0; key < kKeys; ++key) {
        waiting.fetch_add(1);
        while (waiting.load() < static_cast<int>(key + 1) * kThreads) std::this_thread::yield();
        // Each key comes when all before it have their allowance back.
        const std::uint64_t now = (key + 1) * 3601 * kSecond;
        if (i % 2 == 0)
          take(table, hash_of(1'000'000 + key * kThreads + static_cast<std::uint64_t>(i)), now, once);
        count += take(table, hash_of(key), now, once).admitted ? 1 : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count.load(), kKeys);
}

}  // namespace
}  // namespace holdfast::limits
