#include "master/fuse.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

const RouteName kRoute{"default", "/x"};
constexpr TimePoint kStart = TimePoint{} + 1h;

TEST(Fuse, BlowsWithTheFifthDeathWithinAMinute) {
  Fuse fuse;
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fuse.note_death(kRoute, kStart + i * 14s));
  EXPECT_TRUE(fuse.note_death(kRoute, kStart + 59s));
}

TEST(Fuse, HoldsWhenTheDeathsAreFurtherApart) {
  Fuse fuse;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(fuse.note_death(kRoute, kStart + i * 15s)) << i;
}

TEST(Fuse, CountsEachRouteForItself) {
  Fuse fuse;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(fuse.note_death(kRoute, kStart));
    EXPECT_FALSE(fuse.note_death({"default", "/y"}, kStart));
    EXPECT_FALSE(fuse.note_death({"other", "/x"}, kStart));
  }
  EXPECT_TRUE(fuse.note_death({"other", "/x"}, kStart));
}

TEST(Fuse, BeginsAnewAfterItBlewOrWasReset) {
  Fuse fuse;
  for (int i = 0; i < 5; ++i) fuse.note_death(kRoute, kStart);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(fuse.note_death(kRoute, kStart));
  fuse.forget();
  EXPECT_FALSE(fuse.note_death(kRoute, kStart));
}

}  // namespace
}  // namespace holdfast::master
