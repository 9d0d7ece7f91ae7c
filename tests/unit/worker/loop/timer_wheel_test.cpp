#include "worker/loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace holdfast::loop {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{std::chrono::hours(1000)};

class Alarm final : public Timer {
 public:
  std::function<void(TimePoint)> then;
  std::vector<TimePoint> fired;

 private:
  void on_timer(TimePoint now) override {
    fired.push_back(now);
    if (then) then(now);
  }
};

/// Advances in steps of a millisecond, as a loop that is never late would; answers when the alarm rang first.
TimePoint rings_at(TimerWheel& wheel, Alarm& alarm, TimePoint from, TimePoint until, Milliseconds step = 1ms) {
  for (TimePoint now = from; now <= until; now += step) {
    wheel.advance(now);
    if (!alarm.fired.empty()) return alarm.fired.front();
  }
  return kNever;
}

TEST(TimerWheel, fires_at_its_deadline_or_within_a_tick_after_it) {
  for (const Milliseconds wait : {0ms, 1ms, 15ms, 16ms, 17ms, 100ms, 4095ms, 65'519ms, 65'536ms}) {
    TimerWheel wheel(kStart);
    Alarm alarm;
    wheel.arm(alarm, kStart + wait);
    const TimePoint rang = rings_at(wheel, alarm, kStart, kStart + 70s);
    EXPECT_GE(rang, kStart + wait) << wait.count();
    EXPECT_LE(rang, kStart + wait + 17ms) << wait.count();
  }
}

TEST(TimerWheel, fires_once) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  wheel.arm(alarm, kStart + 20ms);
  for (TimePoint now = kStart; now < kStart + 200s; now += 8ms) wheel.advance(now);
  EXPECT_EQ(alarm.fired.size(), 1u);
  EXPECT_EQ(TimerWheel::deadline_of(alarm), kNever);
}

TEST(TimerWheel, a_deadline_hours_away_goes_round_and_fires_in_time) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  wheel.arm(alarm, kStart + 5h);
  const TimePoint rang = rings_at(wheel, alarm, kStart, kStart + 6h, 10ms);
  EXPECT_GE(rang, kStart + 5h);
  EXPECT_LE(rang, kStart + 5h + 30ms);
}

// A keep-alive deadline that is moved on with each request is longer than the wheel's horizon all the time.
TEST(TimerWheel, a_deadline_beyond_the_horizon_that_keeps_moving_never_fires_and_never_hangs) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  TimePoint now = kStart;
  for (; now < kStart + 400s; now += 50ms) {
    wheel.arm(alarm, now + 75s);
    wheel.advance(now);
  }
  EXPECT_TRUE(alarm.fired.empty());
  const TimePoint last = now - 50ms + 75s;
  const TimePoint rang = rings_at(wheel, alarm, now, last + 1s);
  EXPECT_GE(rang, last);
  EXPECT_LE(rang, last + 17ms);
}

TEST(TimerWheel, a_later_deadline_given_while_armed_is_kept) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  wheel.arm(alarm, kStart + 100ms);
  wheel.arm(alarm, kStart + 900ms);
  const TimePoint rang = rings_at(wheel, alarm, kStart, kStart + 2s);
  EXPECT_GE(rang, kStart + 900ms);
  EXPECT_LE(rang, kStart + 917ms);
}

TEST(TimerWheel, an_earlier_deadline_given_while_armed_is_kept) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  wheel.arm(alarm, kStart + 900ms);
  wheel.arm(alarm, kStart + 100ms);
  const TimePoint rang = rings_at(wheel, alarm, kStart, kStart + 2s);
  EXPECT_GE(rang, kStart + 100ms);
  EXPECT_LE(rang, kStart + 117ms);
}

TEST(TimerWheel, a_cancelled_timer_does_not_fire_and_can_be_armed_again) {
  TimerWheel wheel(kStart);
  Alarm cancelled;
  Alarm disarmed;
  wheel.arm(cancelled, kStart + 50ms);
  wheel.arm(disarmed, kStart + 50ms);
  wheel.cancel(cancelled);
  wheel.arm(disarmed, kNever);
  wheel.advance(kStart + 1s);
  EXPECT_TRUE(cancelled.fired.empty());
  EXPECT_TRUE(disarmed.fired.empty());
  wheel.arm(cancelled, kStart + 1100ms);
  wheel.arm(disarmed, kStart + 1100ms);
  wheel.advance(kStart + 2s);
  EXPECT_EQ(cancelled.fired.size(), 1u);
  EXPECT_EQ(disarmed.fired.size(), 1u);
}

TEST(TimerWheel, a_destroyed_timer_is_forgotten) {
  TimerWheel wheel(kStart);
  Alarm stays;
  {
    Alarm goes;
    wheel.arm(goes, kStart + 50ms);
    wheel.arm(stays, kStart + 50ms);
  }
  wheel.advance(kStart + 1s);
  EXPECT_EQ(stays.fired.size(), 1u);
}

TEST(TimerWheel, a_timer_may_arm_itself_again_when_it_fires) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  alarm.then = [&](TimePoint now) { wheel.arm(alarm, now + 100ms); };
  wheel.arm(alarm, kStart + 100ms);
  for (TimePoint now = kStart; now <= kStart + 1000ms; now += 1ms) wheel.advance(now);
  ASSERT_GE(alarm.fired.size(), 8u);
  for (std::size_t i = 1; i < alarm.fired.size(); ++i) EXPECT_GE(alarm.fired[i] - alarm.fired[i - 1], 100ms);
}

TEST(TimerWheel, a_timer_that_arms_itself_for_now_does_not_keep_advance_from_returning) {
  TimerWheel wheel(kStart);
  Alarm alarm;
  alarm.then = [&](TimePoint now) { wheel.arm(alarm, now); };
  wheel.arm(alarm, kStart);
  wheel.advance(kStart + 1s);
  EXPECT_GE(alarm.fired.size(), 1u);
  EXPECT_LE(alarm.fired.size(), 100u);
}

TEST(TimerWheel, a_timer_may_destroy_or_cancel_others_of_the_same_tick) {
  TimerWheel wheel(kStart);
  Alarm first;
  auto second = std::make_unique<Alarm>();
  Alarm third;
  first.then = [&](TimePoint) {
    second.reset();
    wheel.cancel(third);
  };
  wheel.arm(first, kStart + 20ms);
  wheel.arm(*second, kStart + 20ms);
  wheel.arm(third, kStart + 20ms);
  wheel.advance(kStart + 1s);
  EXPECT_EQ(first.fired.size(), 1u);
  EXPECT_TRUE(third.fired.empty());
}

TEST(TimerWheel, a_loop_that_stood_still_for_minutes_fires_everything_due_and_nothing_else) {
  TimerWheel wheel(kStart);
  std::vector<Alarm> due(500);
  Alarm later;
  for (std::size_t i = 0; i < due.size(); ++i) wheel.arm(due[i], kStart + i * 500ms);
  wheel.arm(later, kStart + 400s);
  wheel.advance(kStart + 300s);
  for (const Alarm& alarm : due) EXPECT_EQ(alarm.fired.size(), 1u);
  EXPECT_TRUE(later.fired.empty());
  wheel.advance(kStart + 401s);
  EXPECT_EQ(later.fired.size(), 1u);
}

TEST(TimerWheel, next_due_is_never_after_the_next_deadline) {
  TimerWheel wheel(kStart);
  EXPECT_EQ(wheel.next_due(), kNever);
  Alarm alarm;
  wheel.arm(alarm, kStart + 1000ms);
  EXPECT_GE(wheel.next_due(), kStart + 1000ms);
  EXPECT_LE(wheel.next_due(), kStart + 1016ms);
  // Sleeping exactly as long as next_due says reaches the deadline in one go.
  wheel.advance(wheel.next_due());
  EXPECT_EQ(alarm.fired.size(), 1u);
  EXPECT_EQ(wheel.next_due(), kNever);
}

// The loop's own way of using the wheel, with clock jumps of every size, against a list of what should happen.
TEST(TimerWheel, agrees_with_a_plain_list_over_random_histories) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto upto = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most + 1)); };
    TimerWheel wheel(kStart);
    std::vector<Alarm> alarms(50);
    std::vector<TimePoint> wanted(alarms.size(), kNever);
    TimePoint now = kStart;
    for (int step = 0; step < 2000; ++step) {
      const auto chosen = static_cast<std::size_t>(upto(49));
      const Milliseconds wait{upto(3) == 0 ? upto(200'000) : upto(3000)};
      wanted[chosen] = upto(9) == 0 ? kNever : now + wait;
      wheel.arm(alarms[chosen], wanted[chosen]);
      now += Milliseconds(upto(50) == 0 ? upto(100'000) : upto(40));
      wheel.advance(now);
      for (std::size_t i = 0; i < alarms.size(); ++i) {
        if (!alarms[i].fired.empty()) {
          ASSERT_LE(wanted[i], now) << "seed " << seed << " step " << step << ": early";
          wanted[i] = kNever;
          alarms[i].fired.clear();
        }
        ASSERT_TRUE(wanted[i] == kNever || wanted[i] + 16ms > now) << "seed " << seed << " step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::loop
