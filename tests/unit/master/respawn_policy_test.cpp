#include "master/respawn_policy.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

const config::Respawn kSettings{50ms, 10s};
const Life kDiesBeforeReady{false, 5ms, 0ms};
const Life kServesASecond{true, 1010ms, 1s};

Milliseconds delay_of(const RespawnDecision& decision) {
  return std::chrono::duration_cast<Milliseconds>(decision.delay);
}

TEST(RespawnPolicy, DeathInServiceIsRepairedAtOnceEveryTime) {
  RespawnHistory history;
  for (int n = 0; n < 30; ++n) {
    const RespawnDecision decision = decide_respawn(history, kServesASecond, kSettings);
    EXPECT_EQ(delay_of(decision), 0ms);
    history = decision.history;
  }
}

TEST(RespawnPolicy, DelayDoublesUpToTheLimitForASlotWhoseProcessesNeverBecomeReady) {
  RespawnHistory history;
  std::vector<Milliseconds> delays;
  for (int n = 0; n < 12; ++n) {
    const RespawnDecision decision = decide_respawn(history, kDiesBeforeReady, kSettings);
    delays.push_back(delay_of(decision));
    history = decision.history;
  }
  const std::vector<Milliseconds> expected{0ms,    50ms,   100ms,  200ms, 400ms, 800ms,
                                           1600ms, 3200ms, 6400ms, 10s,   10s,   10s};
  EXPECT_EQ(delays, expected);
}

TEST(RespawnPolicy, DeathRightAfterReadyCountsAsAFailedStart) {
  const Life life{true, 60ms, 20ms};
  RespawnDecision decision = decide_respawn({}, life, kSettings);
  EXPECT_EQ(delay_of(decision), 0ms);
  decision = decide_respawn(decision.history, life, kSettings);
  EXPECT_EQ(delay_of(decision), 50ms);
}

TEST(RespawnPolicy, AShortLifeInServiceNeitherForgivesNorAddsToEarlierFailures) {
  RespawnHistory history{4};
  history = decide_respawn(history, kServesASecond, kSettings).history;
  EXPECT_EQ(history.quick_deaths, 4U);
}

TEST(RespawnPolicy, AMinuteOfLifeForgivesEarlierFailures) {
  const RespawnDecision decision = decide_respawn({9}, Life{true, 61s, 61s}, kSettings);
  EXPECT_EQ(decision.history.quick_deaths, 0U);
}

TEST(RespawnPolicy, AnInitialDelayAboveTheLimitIsCut) {
  const RespawnDecision decision = decide_respawn({1}, kDiesBeforeReady, {5s, 1s});
  EXPECT_EQ(delay_of(decision), 1s);
}

}  // namespace
}  // namespace holdfast::master
