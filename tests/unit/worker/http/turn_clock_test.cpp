#include "worker/http/turn_clock.h"

#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

TEST(TurnClock, asks_the_system_for_the_end_of_few_answers_of_a_turn) {
  TurnClock clock;
  const TimePoint before = Clock::now();
  const TimePoint first = clock.at_end(false);
  EXPECT_GE(first, before);
  for (int i = 1; i < 8; ++i) EXPECT_EQ(clock.at_end(false), first);
  const TimePoint ninth = clock.at_end(false);
  EXPECT_GT(ninth, first);
  const TimePoint exact = clock.at_end(true);
  EXPECT_GT(exact, ninth);
  EXPECT_EQ(clock.at_end(false), exact) << "the others have it, too";
}

TEST(TurnClock, begins_anew_with_each_turn) {
  TurnClock clock;
  const TimePoint first = clock.at_end(false);
  const TimePoint now = Clock::now();
  clock.update(now);
  EXPECT_EQ(clock.now(), now);
  EXPECT_GE(clock.at_end(false), now) << "never before the turn began";
  EXPECT_GT(now, first);
}

}  // namespace
}  // namespace holdfast::http
