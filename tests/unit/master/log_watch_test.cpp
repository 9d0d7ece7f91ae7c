#include "master/log_watch.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

TEST(LogWatch, OpensFilesAnewThatHaveBeenGoneForAMoment) {
  LogWatch watch;
  const TimePoint now(100s);
  EXPECT_LE(watch.next(), now);
  EXPECT_FALSE(watch.looked(false, now));
  EXPECT_EQ(watch.next(), now + 1s);
  EXPECT_FALSE(watch.looked(true, now + 1s));
  EXPECT_TRUE(watch.looked(true, now + 2s));
  EXPECT_FALSE(watch.looked(false, now + 3s));
}

TEST(LogWatch, LeavesThemToTheSignalWhenThatComesSoon) {
  LogWatch watch;
  const TimePoint now(100s);
  EXPECT_FALSE(watch.looked(true, now));
  EXPECT_FALSE(watch.looked(false, now + 1s));
  EXPECT_FALSE(watch.looked(true, now + 2s)) << "the time begins anew";
}

TEST(LogWatch, BeginsAnewWithFilesThatHaveBeenOpened) {
  LogWatch watch;
  const TimePoint now(100s);
  EXPECT_FALSE(watch.looked(true, now));
  EXPECT_TRUE(watch.looked(true, now + 1s));
  watch.opened();
  EXPECT_FALSE(watch.looked(true, now + 2s));
  EXPECT_TRUE(watch.looked(true, now + 3s));
}

TEST(LogWatch, TriesSeldomWhatDoesNotSucceed) {
  LogWatch watch;
  const TimePoint now(100s);
  int tries = 0;
  for (auto second = 0s; second < 130s; second += 1s) tries += watch.looked(true, now + second) ? 1 : 0;
  EXPECT_EQ(tries, 3) << "after a second and twice a minute later";
}

}  // namespace
}  // namespace holdfast::master
