#include "worker/http2/abuse.h"

#include <gtest/gtest.h>

namespace holdfast::http2 {
namespace {

constexpr TimePoint kStart{};

TEST(AbuseMeter, allows_as_many_of_each_kind_as_its_limit_says) {
  AbuseMeter meter;
  const TimePoint now = kStart + Milliseconds(1);
  for (std::uint32_t i = 0; i < AbuseMeter::limit_of(Abuse::Ping); ++i)
    EXPECT_TRUE(meter.note(Abuse::Ping, now));
  EXPECT_TRUE(meter.note(Abuse::Settings, now)) << "kinds are counted apart";
  EXPECT_FALSE(meter.note(Abuse::Ping, now));
  EXPECT_FALSE(meter.note(Abuse::Ping, now + AbuseMeter::kWindow - Milliseconds(1)));
}

TEST(AbuseMeter, forgets_after_a_while) {
  AbuseMeter meter;
  for (std::uint32_t i = 0; i <= AbuseMeter::limit_of(Abuse::Settings); ++i)
    meter.note(Abuse::Settings, kStart);
  EXPECT_TRUE(meter.note(Abuse::Settings, kStart + AbuseMeter::kWindow));
}

TEST(AbuseMeter, lets_a_page_be_left_while_it_loads) {
  // 128 streams, all taken back, three times in the time of a window.
  EXPECT_GE(AbuseMeter::limit_of(Abuse::RapidReset), 3 * 128u);
}

}  // namespace
}  // namespace holdfast::http2
