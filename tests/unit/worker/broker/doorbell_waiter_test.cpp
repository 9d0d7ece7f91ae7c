#include "worker/broker/doorbell_waiter.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace holdfast::broker {
namespace {

using broadcast::BellWord;
using broadcast::Doorbell;

class Counting final : public DoorbellWaiter::Rung {
 public:
  void on_rung() override { ++rung; }
  int rung = 0;
};

class DoorbellWaiterTest : public testing::Test {
 protected:
  DoorbellWaiterTest() { alarm(10); }
  ~DoorbellWaiterTest() { alarm(0); }

  BellWord word_{0};
  Doorbell bell_{word_};
  std::unique_ptr<loop::EventLoop> loop_ = *loop::EventLoop::create();
  Counting counting_;
};

TEST_F(DoorbellWaiterTest, brings_every_ring_to_the_loop) {
  const auto waiter = *DoorbellWaiter::start(*loop_, bell_, counting_);
  for (int round = 1; round <= 2000; ++round) {
    bell_.arm();
    bell_.ring_if_asleep();
    while (counting_.rung < round) loop_->turn();
  }
  EXPECT_EQ(counting_.rung, 2000);
}

TEST_F(DoorbellWaiterTest, tells_nothing_of_rings_before_its_start_nor_of_going_to_sleep) {
  bell_.arm();
  bell_.ring_if_asleep();
  const auto waiter = *DoorbellWaiter::start(*loop_, bell_, counting_);
  for (int i = 0; i < 1000; ++i) {
    bell_.arm();
    bell_.disarm();
  }
  bell_.arm();
  bell_.ring_if_asleep();
  loop_->turn();
  EXPECT_EQ(counting_.rung, 1);
}

TEST_F(DoorbellWaiterTest, ends_whatever_its_thread_is_at) {
  for (int round = 0; round < 3000; ++round) {
    const auto waiter = *DoorbellWaiter::start(*loop_, bell_, counting_);
    for (int i = 0; i < round * 37 % 4000; ++i) std::atomic_thread_fence(std::memory_order_seq_cst);
    if (round % 5 == 0) bell_.arm();
    if (round % 7 == 0) bell_.ring_if_asleep();
  }
}

}  // namespace
}  // namespace holdfast::broker
