#include "worker/net/record_size.h"

#include <gtest/gtest.h>

namespace holdfast::net {
namespace {

using std::chrono_literals::operator""ms;

TEST(RecordSize, grows_with_each_record_and_starts_anew_after_a_pause) {
  RecordSize size;
  TimePoint now = Clock::now();
  for (const std::size_t expected : {4096u, 8192u, 16384u, 16384u}) {
    EXPECT_EQ(size.next(now), expected);
    size.sent(now);
    now += 999ms;
  }
  now += 1ms;
  EXPECT_EQ(size.next(now), 4096u);
}

TEST(RecordSize, of_a_record_that_waits_never_shrinks) {
  RecordSize size;
  TimePoint now = Clock::now();
  for (int i = 0; i < 3; ++i) size.sent(now);
  EXPECT_EQ(size.next(now), 16384u);
  size.held();
  now += 5000ms;
  EXPECT_EQ(size.next(now), 16384u);
  size.sent(now);
  now += 1000ms;
  EXPECT_EQ(size.next(now), 4096u);
}

}  // namespace
}  // namespace holdfast::net
