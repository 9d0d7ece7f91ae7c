#include "worker/broker/reconnect_delay.h"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::broker {
namespace {

TEST(ReconnectDelay, doubles_up_to_its_limit_and_stays_in_the_upper_half) {
  ReconnectDelay delay(1);
  for (const int longest : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
    const Milliseconds next = delay.next();
    EXPECT_GE(next.count(), longest / 2);
    EXPECT_LE(next.count(), longest);
  }
  delay.reset();
  EXPECT_LE(delay.next(), ReconnectDelay::kFirst);
}

TEST(ReconnectDelay, workers_do_not_come_all_at_once) {
  std::set<Milliseconds> different;
  for (std::uint_fast32_t pid = 1000; pid < 1064; ++pid) {
    ReconnectDelay delay(pid);
    for (int attempt = 0; attempt < 8; ++attempt) delay.next();
    different.insert(delay.next());
  }
  EXPECT_GT(different.size(), 32u);
}

}  // namespace
}  // namespace holdfast::broker
