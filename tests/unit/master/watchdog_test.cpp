#include "master/watchdog.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;
using Verdict = Watchdog::Verdict;

TEST(Watchdog, IsPatientUntilTheFirstWorkerMoves) {
  Watchdog dog(10s);
  EXPECT_EQ(dog.look(false, TimePoint(0s)), Verdict::Well);
  EXPECT_EQ(dog.look(false, TimePoint(1000s)), Verdict::Well);
}

TEST(Watchdog, TurnsBadOnceWhenNoneHasMovedForLong) {
  Watchdog dog(10s);
  EXPECT_EQ(dog.look(true, TimePoint(100s)), Verdict::Well);
  EXPECT_EQ(dog.look(false, TimePoint(101s)), Verdict::Well) << "one has died, the next is not there yet";
  EXPECT_EQ(dog.look(false, TimePoint(110s)), Verdict::Well);
  EXPECT_EQ(dog.look(false, TimePoint(111s)), Verdict::TurnsBad);
  EXPECT_EQ(dog.look(false, TimePoint(112s)), Verdict::Bad);
  EXPECT_EQ(dog.look(true, TimePoint(113s)), Verdict::TurnsWell);
  EXPECT_EQ(dog.look(false, TimePoint(114s)), Verdict::Well);
  EXPECT_EQ(dog.look(false, TimePoint(124s)), Verdict::TurnsBad);
}

}  // namespace
}  // namespace holdfast::master
