#include "worker/broker/remote_origins.h"

#include <gtest/gtest.h>

namespace holdfast::broker {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};
constexpr Origin kAnna{1, 1};
constexpr Origin kBert{1, 2};

TEST(RemoteOrigins, whoever_is_silent_for_long_is_gone_once) {
  RemoteOrigins origins(20s, 10);
  EXPECT_TRUE(origins.heard(kAnna, kStart));
  EXPECT_TRUE(origins.heard(kBert, kStart + 5s));
  EXPECT_TRUE(origins.take_silent(kStart + 20s - 1ms).empty());
  EXPECT_EQ(origins.take_silent(kStart + 20s), (std::vector<Origin>{kAnna}));
  EXPECT_TRUE(origins.take_silent(kStart + 20s).empty());
  EXPECT_EQ(origins.take_silent(kStart + 25s), (std::vector<Origin>{kBert}));
}

TEST(RemoteOrigins, a_word_in_time_keeps_it) {
  RemoteOrigins origins(20s, 10);
  for (auto now = kStart; now < kStart + 100s; now += 19s) {
    EXPECT_TRUE(origins.take_silent(now).empty());
    EXPECT_TRUE(origins.heard(kAnna, now));
  }
}

TEST(RemoteOrigins, tells_when_somebody_may_be_silent) {
  RemoteOrigins origins(20s, 10);
  EXPECT_EQ(origins.next_silence(), kNever);
  origins.heard(kAnna, kStart);
  origins.heard(kBert, kStart + 5s);
  EXPECT_EQ(origins.next_silence(), kStart + 20s);
  origins.heard(kAnna, kStart + 7s);
  EXPECT_EQ(origins.next_silence(), kStart + 25s);
}

TEST(RemoteOrigins, a_farewell_counts_for_who_is_known) {
  RemoteOrigins origins(20s, 10);
  EXPECT_FALSE(origins.forget(kAnna));
  origins.heard(kAnna, kStart);
  EXPECT_TRUE(origins.forget(kAnna));
  EXPECT_FALSE(origins.forget(kAnna));
  EXPECT_TRUE(origins.take_silent(kStart + 1h).empty());
}

TEST(RemoteOrigins, those_beyond_the_limit_are_not_heard_until_there_is_place) {
  RemoteOrigins origins(20s, 2);
  EXPECT_TRUE(origins.heard(kAnna, kStart));
  EXPECT_TRUE(origins.heard(kBert, kStart + 1s));
  EXPECT_FALSE(origins.heard({7, 7}, kStart + 1s));
  EXPECT_TRUE(origins.heard(kAnna, kStart + 2s)) << "who is known is heard still";
  EXPECT_EQ(origins.size(), 2u);
  EXPECT_EQ(origins.take_silent(kStart + 21s), (std::vector<Origin>{kBert}));
  EXPECT_TRUE(origins.heard({7, 7}, kStart + 21s));
}

}  // namespace
}  // namespace holdfast::broker
