#include "master/hang_watch.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;
using Verdict = HangWatch::Verdict;

constexpr Beat kWorking{7, false};
constexpr Beat kWaiting{7, true};

/// Looks at one process every 50 ms until something is said of it.
struct Looker {
  HangWatch watch{1s};
  TimePoint now = TimePoint{} + 1h;
  Verdict once(const Beat& beat) {
    now += 50ms;
    watch.begin_round(now);
    const Verdict verdict = watch.look(1, beat, now);
    watch.end_round();
    return verdict;
  }
  /// How long it took until `wanted` was said; negative: something else was, or nothing within a minute.
  Duration until(Verdict wanted, const Beat& beat) {
    const TimePoint begin = now;
    while (now < begin + 60s) {
      const Verdict verdict = once(beat);
      if (verdict == wanted) return now - begin;
      if (verdict != Verdict::Fine) break;
    }
    return -1s;
  }
};

TEST(HangWatch, AWorkerInTheMiddleOfATurnIsStuckAfterTheLimit) {
  Looker l;
  l.once({6, true});
  const Duration took = l.until(Verdict::Stuck, kWorking);
  EXPECT_GE(took, 1s);
  EXPECT_LE(took, 1100ms);
  EXPECT_EQ(l.until(Verdict::Stuck, kWorking), -1s) << "it is told once";
}

TEST(HangWatch, AWaitingWorkerIsPokedFirst) {
  Looker l;
  l.once({6, false});
  const Duration poked = l.until(Verdict::Poke, kWaiting);
  EXPECT_GE(poked, 250ms);
  const Duration stuck = l.until(Verdict::Stuck, kWaiting);
  EXPECT_GE(poked + stuck, 1s);
  EXPECT_LE(poked + stuck, 1150ms);
}

TEST(HangWatch, OneThatAnswersPokesIsPokedForEverAndNeverStuck) {
  Looker l;
  Beat beat{1, true};
  int pokes = 0;
  for (int i = 0; i < 1000; ++i) {
    const Verdict verdict = l.once(beat);
    ASSERT_NE(verdict, Verdict::Stuck);
    if (verdict != Verdict::Poke) continue;
    ++pokes;
    ++beat.steps;
  }
  EXPECT_GT(pokes, 100);
  EXPECT_LT(pokes, 250) << "not with each look";
}

TEST(HangWatch, SlowButMovingIsFine) {
  Looker l;
  Beat beat{1, false};
  for (int turn = 0; turn < 50; ++turn) {
    ++beat.steps;
    for (int i = 0; i < 18; ++i) ASSERT_EQ(l.once(beat), Verdict::Fine);  // 900 ms a turn
  }
}

TEST(HangWatch, TheEndOfATurnIsProgress) {
  Looker l;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(l.once(kWorking), Verdict::Fine);
  EXPECT_EQ(l.once(kWaiting), Verdict::Fine) << "its long turn has ended just in time";
  EXPECT_GE(l.until(Verdict::Poke, kWaiting), 200ms);
}

TEST(HangWatch, AGapInTheLooksGivesTheWholeLimitAnew) {
  Looker l;
  for (int i = 0; i < 18; ++i) l.once(kWorking);
  l.now += 30min;  // the machine slept
  const Duration took = l.until(Verdict::Stuck, kWorking);
  EXPECT_GE(took, 1s);
}

TEST(HangWatch, OneThatMovesAgainIsToldOnceAndWatchedAnew) {
  Looker l;
  l.until(Verdict::Stuck, kWorking);
  EXPECT_EQ(l.once({8, true}), Verdict::Moves);
  EXPECT_EQ(l.once({9, false}), Verdict::Fine);
  EXPECT_GE(l.until(Verdict::Stuck, {9, false}), 950ms);
}

TEST(HangWatch, AnExcusedOneHasTheWholeLimitAnew) {
  Looker l;
  l.until(Verdict::Stuck, kWorking);
  l.watch.excuse(1, l.now);
  EXPECT_GE(l.until(Verdict::Stuck, kWorking), 1s);
}

TEST(HangWatch, ForgetsWhoIsNotLookedAt) {
  Looker l;
  l.until(Verdict::Stuck, kWorking);
  l.now += 50ms;
  l.watch.begin_round(l.now);
  l.watch.end_round();
  EXPECT_EQ(l.watch.standstill(1, l.now), Duration::zero());
  EXPECT_GE(l.until(Verdict::Stuck, kWorking), 1s) << "a new one";
}

TEST(HangWatch, LooksMoreOftenTheShorterTheLimit) {
  HangWatch watch(100ms);
  const TimePoint now = TimePoint{} + 1h;
  watch.begin_round(now);
  EXPECT_EQ(watch.next_round(), now + 20ms);
  watch.set_limit(1h);
  watch.begin_round(now);
  EXPECT_EQ(watch.next_round(), now + 250ms);
}

}  // namespace
}  // namespace holdfast::master
