#include "master/oom_watch.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

class KillsForMemory : public testing::Test {
 protected:
  std::optional<std::uint64_t> kills_ = 7;
  OomWatch watch_{[this] { return kills_; }};
  TimePoint now_ = TimePoint(1000s);
};

TEST_F(KillsForMemory, AreToldFromOthersByTheKernelsCount) {
  watch_.look(now_);
  EXPECT_FALSE(watch_.explains_kill(now_ + 1s)) << "somebody else has sent it";
  kills_ = 8;
  EXPECT_TRUE(watch_.explains_kill(now_ + 2s));
}

TEST_F(KillsForMemory, BeforeTheFirstLookSayNothing) {
  EXPECT_FALSE(watch_.explains_kill(now_));
}

TEST_F(KillsForMemory, MayTakeTheirTimeToDie) {
  watch_.look(now_);
  kills_ = 8;
  watch_.look(now_ + 11s);
  EXPECT_TRUE(watch_.explains_kill(now_ + 20s)) << "the count has risen shortly before";
  EXPECT_FALSE(watch_.explains_kill(now_ + 30s)) << "it was another one's";
}

TEST_F(KillsForMemory, AreUnknownWhereTheKernelDoesNotTell) {
  kills_.reset();
  watch_.look(now_);
  EXPECT_FALSE(watch_.explains_kill(now_ + 1s));
  kills_ = 9;  // it does now, and nothing is known of before
  EXPECT_FALSE(watch_.explains_kill(now_ + 2s));
  kills_ = 10;
  EXPECT_TRUE(watch_.explains_kill(now_ + 3s));
}

TEST_F(KillsForMemory, AreLookedAtSeldom) {
  int looks = 0;
  OomWatch watch([&looks] { return std::optional<std::uint64_t>(++looks); });
  for (int i = 0; i < 100; ++i) watch.look(now_ + i * 100ms);
  EXPECT_EQ(looks, 1);
  watch.look(now_ + 10s);
  EXPECT_EQ(looks, 2);
}

}  // namespace
}  // namespace holdfast::master
