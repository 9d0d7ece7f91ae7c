#include "worker/loop/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::loop {
namespace {

using namespace std::chrono_literals;

/// A socket pair whose inner end is watched.
class Watched final : private Watcher {
 public:
  explicit Watched(EventLoop& loop) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    inner_ = Fd(ends[0]);
    outer_ = Fd(ends[1]);
    EXPECT_TRUE(watch.start(loop, inner_.get(), EPOLLIN, *this));
  }
  void poke() { EXPECT_EQ(::write(outer_.get(), "x", 1), 1); }
  int fd() const { return inner_.get(); }

  Watch watch;
  std::function<void()> then;
  int calls = 0;

 private:
  void on_ready(std::uint32_t /*events*/) override {
    char waste[64];
    EXPECT_GT(::read(inner_.get(), waste, sizeof waste), 0);
    ++calls;
    if (then) then();
  }
  Fd inner_, outer_;
};

class Work final : public Deferred {
 public:
  std::function<void()> then;
  int runs = 0;

 private:
  void on_deferred() override {
    ++runs;
    if (then) then();
  }
};

class EventLoopTest : public testing::Test {
 protected:
  /// A turn that does not wait.
  void turn() {
    loop->defer(nudge);
    loop->turn();
  }
  std::unique_ptr<EventLoop> loop = *EventLoop::create();
  Work nudge;
};

TEST_F(EventLoopTest, calls_the_watcher_of_each_ready_descriptor_once_a_turn) {
  Watched first(*loop);
  Watched second(*loop);
  first.poke();
  turn();
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 0);
  first.poke();
  second.poke();
  turn();
  EXPECT_EQ(first.calls, 2);
  EXPECT_EQ(second.calls, 1);
}

TEST_F(EventLoopTest, drops_events_of_a_registration_that_ended_in_the_same_turn) {
  Watched first(*loop);
  Watched second(*loop);
  // Whoever comes first ends the other, in both ways of ending.
  first.then = [&] { second.watch.stop(); };
  second.then = [&] { first.watch.forget(); };
  first.poke();
  second.poke();
  turn();
  EXPECT_EQ(first.calls + second.calls, 1);
}

TEST_F(EventLoopTest, an_event_for_an_ended_registration_does_not_reach_its_successor) {
  Watched first(*loop);
  Watched second(*loop);
  std::optional<Watched> successor;
  const auto replace = [&](Watched& other) {
    other.watch.stop();
    if (!successor) successor.emplace(*loop);
  };
  first.then = [&] { replace(second); };
  second.then = [&] { replace(first); };
  first.poke();
  second.poke();
  turn();
  ASSERT_TRUE(successor);
  EXPECT_EQ(successor->calls, 0);
  successor->poke();
  turn();
  EXPECT_EQ(successor->calls, 1);
}

TEST_F(EventLoopTest, refuses_what_cannot_be_watched) {
  struct Nobody final : Watcher {
    void on_ready(std::uint32_t) override {}
  } nobody;
  Watch watch;
  EXPECT_FALSE(watch.start(*loop, -1, EPOLLIN, nobody));
  EXPECT_FALSE(watch.active());
  Watched fine(*loop);
  fine.poke();
  turn();
  EXPECT_EQ(fine.calls, 1);
}

TEST_F(EventLoopTest, runs_deferred_work_once_and_what_it_defers_in_the_next_turn) {
  Work work;
  work.then = [&] { loop->defer(work); };
  loop->defer(work);
  loop->defer(work);
  loop->turn();
  EXPECT_EQ(work.runs, 1);
  loop->turn();
  EXPECT_EQ(work.runs, 2);
}

TEST_F(EventLoopTest, forgets_deferred_work_that_is_destroyed_in_the_same_batch) {
  Work first;
  auto second = std::make_unique<Work>();
  first.then = [&] { second.reset(); };
  loop->defer(first);
  loop->defer(*second);
  loop->turn();
  EXPECT_EQ(first.runs, 1);
}

TEST_F(EventLoopTest, wakes_for_a_timer_and_not_before) {
  class Alarm final : public Timer {
   public:
    explicit Alarm(EventLoop& loop) : loop_(loop) {}
    TimePoint fired{};

   private:
    void on_timer(TimePoint now) override {
      fired = now;
      loop_.stop();
    }
    EventLoop& loop_;
  } alarm(*loop);
  const TimePoint deadline = Clock::now() + 40ms;
  loop->timers().arm(alarm, deadline);
  loop->run();
  EXPECT_GE(alarm.fired, deadline);
}

TEST_F(EventLoopTest, tells_its_hook_of_each_turn_last) {
  struct Hook final : TurnHook {
    explicit Hook(Work& work) : work(work) {}
    void on_turn_start(TimePoint) override { ++starts; }
    void on_turn_end(TimePoint) override { runs_at_end = work.runs; }
    Work& work;
    int starts = 0;
    int runs_at_end = 0;
  };
  Work work;
  Hook hook(work);
  loop->set_hook(hook);
  loop->defer(work);
  loop->turn();
  EXPECT_EQ(hook.starts, 1);
  EXPECT_EQ(hook.runs_at_end, 1);
}

}  // namespace
}  // namespace holdfast::loop
