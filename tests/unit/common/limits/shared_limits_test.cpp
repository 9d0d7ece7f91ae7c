#include "common/limits/shared_limits.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/limits/address_key.h"
#include "common/limits/connection_total.h"

namespace holdfast::limits {
namespace {

TEST(AddressKey, is_the_address_of_ipv4_and_the_64_of_ipv6) {
  const auto bytes = [](std::string_view text) { return std::string(AddressKey::of_text(text).bytes()); };
  EXPECT_NE(bytes("192.0.2.1"), bytes("192.0.2.2"));
  EXPECT_EQ(bytes("2001:db8:1:2::1"), bytes("2001:db8:1:2:ffff::9"));
  EXPECT_NE(bytes("2001:db8:1:2::1"), bytes("2001:db8:1:3::1"));
  EXPECT_EQ(bytes("unix"), bytes("@"));
  EXPECT_EQ(bytes(std::string(100, '1')), bytes("unix"));
  EXPECT_NE(bytes("unix"), bytes("0.0.0.0"));
  EXPECT_NE(bytes("unix"), bytes("::"));
  std::uint8_t address[16] = {};
  inet_pton(AF_INET6, "2001:db8:1:2::77", address);
  EXPECT_EQ(std::string(AddressKey(6, address).bytes()), bytes("2001:db8:1:2::1"));
}

TEST(SharedLimits, keeps_slow_limits_and_made_up_keys_apart_from_the_rest) {
  const SharedLimits shared = *SharedLimits::create();
  const Pace fast{1000, 1000};
  const Pace slow{3'600'000'000, 3'600'000'000};
  EXPECT_NE(shared.rates(fast, false).data(), shared.rates(slow, false).data());
  EXPECT_NE(shared.rates(fast, false).data(), shared.rates(fast, true).data());
  EXPECT_EQ(shared.rates(fast, false).size(), kRegionBuckets);
  EXPECT_EQ(shared.microseconds(TimePoint{}), 0u);
}

class AddressCountsTest : public testing::Test {
 protected:
  AddressCounts of_new_worker() {
    const std::uint32_t seat = segment_.claim_seat(next_slot_++, 1);
    seats_.push_back(seat);
    return {shared_.seats(), segment_, seat};
  }
  // What the master does when the worker has ended.
  void bury(std::uint32_t worker) {
    shared_.clear_seat(seats_[worker]);
    segment_.retire_seat(seats_[worker]);
  }

  stats::Segment segment_ = *stats::Segment::create();
  SharedLimits shared_ = *SharedLimits::create();
  std::vector<std::uint32_t> seats_;
  std::uint32_t next_slot_ = 0;
};

constexpr std::uint64_t kAddress = 0x123456789abcdef0;

TEST_F(AddressCountsTest, count_over_all_workers) {
  AddressCounts one = of_new_worker();
  AddressCounts other = of_new_worker();
  EXPECT_TRUE(one.take(kAddress, 3));
  EXPECT_TRUE(other.take(kAddress, 3));
  EXPECT_TRUE(other.take(kAddress, 3));
  EXPECT_FALSE(one.take(kAddress, 3));
  EXPECT_FALSE(other.take(kAddress, 3));
  EXPECT_TRUE(one.take(~kAddress, 3)) << "another address";
  other.give_back(kAddress);
  EXPECT_TRUE(one.take(kAddress, 3));
  EXPECT_EQ(one.sum(kAddress), 3u);
}

TEST_F(AddressCountsTest, of_a_dead_worker_are_gone_and_its_seat_begins_anew) {
  AddressCounts one = of_new_worker();
  AddressCounts killed = of_new_worker();
  EXPECT_TRUE(one.take(kAddress, 3));
  EXPECT_TRUE(killed.take(kAddress, 3));
  EXPECT_TRUE(killed.take(kAddress, 3));
  bury(1);
  EXPECT_EQ(one.sum(kAddress), 1u);
  AddressCounts successor = of_new_worker();
  EXPECT_EQ(seats_[2], seats_[1]);
  EXPECT_TRUE(successor.take(kAddress, 3));
  EXPECT_EQ(one.sum(kAddress), 2u);
}

TEST_F(AddressCountsTest, count_an_address_once_whose_two_buckets_would_be_one) {
  AddressCounts worker = of_new_worker();
  constexpr std::uint64_t kSame = 0xabcdef0000050005;
  EXPECT_TRUE(worker.take(kSame, 2));
  EXPECT_EQ(worker.sum(kSame), 1u);
}

TEST_F(AddressCountsTest, find_their_place_again_among_many) {
  AddressCounts worker = of_new_worker();
  const HashSecret secret = *HashSecret::random();
  const auto hash = [&](int i) { return keyed_hash(secret, std::to_string(i)); };
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(worker.take(hash(i), 2));
  for (int i = 0; i < 20'000; ++i) ASSERT_FALSE(worker.take(hash(i), 2)) << i;
  for (int i = 0; i < 20'000; ++i) worker.give_back(hash(i));
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(worker.sum(hash(i)), 1u) << i;
}

TEST_F(AddressCountsTest, never_let_more_through_than_the_limit_when_workers_race) {
  constexpr std::uint64_t kLimit = 5;
  std::vector<AddressCounts> workers;
  for (int i = 0; i < 4; ++i) workers.push_back(of_new_worker());
  std::atomic<std::int64_t> open{0};
  std::atomic<std::int64_t> most{0};
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (AddressCounts& worker : workers)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!worker.take(kAddress, kLimit)) continue;
        const std::int64_t now = open.fetch_add(1) + 1;
        for (std::int64_t seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        taken.fetch_add(1);
        open.fetch_sub(1);
        worker.give_back(kAddress);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), static_cast<std::int64_t>(kLimit));
  EXPECT_EQ(taken.load(), 80'000u) << "four workers that hold one each never meet a limit of five";
  EXPECT_EQ(workers[0].sum(kAddress), 0u);
}

class ConnectionTotalTest : public testing::Test {
 protected:
  std::uint32_t worker_with(std::uint64_t connections, stats::SeatUse use = stats::SeatUse::Ready,
                            std::uint32_t slot = 0) {
    const std::uint32_t seat = segment_.claim_seat(slot, 1);
    segment_.set_seat_use(seat, use);
    segment_.seat(seat).activity.connections.store(connections);
    return seat;
  }
  stats::Segment segment_ = *stats::Segment::create();
};

TEST_F(ConnectionTotalTest, is_exact_for_a_small_limit) {
  const std::uint32_t own = worker_with(0);
  const std::uint32_t other = worker_with(12);
  worker_with(3, stats::SeatUse::Draining);
  worker_with(200, stats::SeatUse::Ready, stats::kAdminSlot);
  const ConnectionTotal total(segment_, own, 20, 4);
  EXPECT_FALSE(total.full(4));
  EXPECT_TRUE(total.full(5));
  segment_.retire_seat(other);
  EXPECT_FALSE(total.full(16));
  EXPECT_TRUE(total.full(17));
}

TEST_F(ConnectionTotalTest, keeps_a_small_share_of_a_large_one_for_each_worker) {
  const std::uint32_t own = worker_with(0);
  worker_with(15'990);
  worker_with(0);
  const ConnectionTotal total(segment_, own, 16'000, 4);
  EXPECT_FALSE(total.full(249)) << "a sixteenth of its share needs no look at the others";
  EXPECT_TRUE(total.full(250));
  const ConnectionTotal greedy(segment_, 2, 16'000, 4);
  EXPECT_FALSE(greedy.full(15'499)) << "the two others are taken to have 250 each";
  EXPECT_TRUE(greedy.full(15'500));
}

}  // namespace
}  // namespace holdfast::limits
