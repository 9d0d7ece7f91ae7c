#include "common/patience.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

Patience patience(Milliseconds limit, std::uint64_t rate) {
  Patience made;
  made.set(limit, rate);
  made.refill();
  made.run(kStart);
  return made;
}

// Moves so many bytes each `step` until patience ends; how long that took, an hour at most.
Duration lasts(Patience patience, std::uint64_t bytes, Duration step) {
  for (TimePoint now = kStart + step; now < kStart + 1h; now += step) {
    if (patience.deadline() <= now) return patience.deadline() - kStart;
    patience.moved(bytes, now);
  }
  return 1h;
}

TEST(Patience, ends_when_nothing_comes_for_the_limit) {
  EXPECT_EQ(patience(30s, 240).deadline(), kStart + 30s);
  Patience paused = patience(30s, 240);
  paused.moved(1'000'000, kStart + 20s);
  EXPECT_EQ(paused.deadline(), kStart + 50s) << "a burst earns the limit, no more";
  EXPECT_FALSE(paused.trickles(kStart + 50s));
}

TEST(Patience, ends_with_a_peer_that_trickles) {
  EXPECT_LT(lasts(patience(30s, 240), 1, 29s), 31s);
  EXPECT_LT(lasts(patience(30s, 240), 1, 100ms), 32s);
  Patience trickling = patience(30s, 240);
  trickling.moved(1, kStart + 29s);
  EXPECT_TRUE(trickling.trickles(trickling.deadline()));
}

TEST(Patience, is_endless_with_a_peer_that_keeps_the_rate) {
  EXPECT_EQ(lasts(patience(30s, 240), 240, 1s), 1h);
  EXPECT_EQ(lasts(patience(30s, 240), 7200, 29s), 1h);
  EXPECT_GT(lasts(patience(30s, 240), 200, 1s), 2min) << "a little slower is forgiven for a while";
  EXPECT_LT(lasts(patience(30s, 240), 200, 1s), 5min);
}

TEST(Patience, without_a_rate_is_kept_by_any_byte) {
  EXPECT_EQ(lasts(patience(30s, 0), 1, 29s), 1h);
  EXPECT_EQ(lasts(patience(30s, 0), 1, 30s), 30s);
  EXPECT_FALSE(patience(30s, 0).trickles(kStart));
}

TEST(Patience, stands_while_it_is_not_the_peers_turn) {
  Patience waiting = patience(30s, 240);
  waiting.stand(kStart + 20s);
  EXPECT_EQ(waiting.deadline(), kNever);
  waiting.run(kStart + 10min);
  EXPECT_EQ(waiting.deadline(), kStart + 10min + 10s);
  waiting.run(kStart + 11min);
  EXPECT_EQ(waiting.deadline(), kStart + 10min + 10s) << "it ran already";
}

TEST(Patience, leaves_a_moment_to_whoever_was_kept_waiting) {
  Patience waiting = patience(30s, 240);
  waiting.stand(kStart + 30s);
  waiting.run(kStart + 40s);
  EXPECT_EQ(waiting.deadline(), kStart + 41s);
  Patience short_one = patience(300ms, 240);
  short_one.stand(kStart + 300ms);
  short_one.run(kStart + 40s);
  EXPECT_EQ(short_one.deadline(), kStart + 40s + 300ms);
}

TEST(Patience, may_be_earned_while_the_clock_stands) {
  Patience waiting = patience(30s, 240);
  waiting.stand(kStart + 25s);
  waiting.moved(2400, kStart + 26s);
  waiting.run(kStart + 27s);
  EXPECT_EQ(waiting.deadline(), kStart + 27s + 15s);
}

TEST(Patience, survives_any_count) {
  Patience huge = patience(24h, UINT64_MAX);
  huge.moved(UINT64_MAX, kStart + 1s);
  EXPECT_EQ(huge.deadline(), kStart + 24h + 1s);
  Patience one = patience(24h, 1);
  one.moved(UINT64_MAX, kStart + 1s);
  EXPECT_EQ(one.deadline(), kStart + 24h + 1s);
}

}  // namespace
}  // namespace holdfast
