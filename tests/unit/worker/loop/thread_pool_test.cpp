#include "worker/loop/thread_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

namespace holdfast::loop {
namespace {

class Scripted final : public api::Work {
 public:
  Scripted(std::function<void()> run, std::function<void()> done)
      : run_(std::move(run)), done_(std::move(done)) {}
  void run() noexcept override { run_(); }
  void done() override { done_(); }

 private:
  std::function<void()> run_;
  std::function<void()> done_;
};

std::unique_ptr<api::Work> work(
    std::function<void()> run, std::function<void()> done = [] {}) {
  return std::make_unique<Scripted>(std::move(run), std::move(done));
}

class ThreadPoolTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop = *EventLoop::create();
};

TEST_F(ThreadPoolTest, runs_work_elsewhere_and_tells_the_loop_in_its_own_thread) {
  ThreadPool pool(*loop);
  std::thread::id ran, told;
  ASSERT_TRUE(pool.submit(work([&] { ran = std::this_thread::get_id(); },
                               [&] {
                                 told = std::this_thread::get_id();
                                 loop->stop();
                               })));
  loop->run();
  EXPECT_NE(ran, std::this_thread::get_id());
  EXPECT_EQ(told, std::this_thread::get_id());
}

TEST_F(ThreadPoolTest, every_accepted_work_is_done_once) {
  ThreadPool pool(*loop, {3, 1000});
  std::atomic<int> run = 0;
  int done = 0;
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(pool.submit(work([&] { ++run; },
                                 [&] {
                                   if (++done == 500) loop->stop();
                                 })));
  loop->run();
  EXPECT_EQ(run, 500);
  EXPECT_EQ(done, 500);
}

TEST_F(ThreadPoolTest, work_may_submit_more_when_it_is_done) {
  ThreadPool pool(*loop);
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 5) return loop->stop();
    ASSERT_TRUE(pool.submit(work([] {}, again)));
  };
  ASSERT_TRUE(pool.submit(work([] {}, again)));
  loop->run();
  EXPECT_EQ(rounds, 5);
}

TEST_F(ThreadPoolTest, refuses_what_is_too_much_and_drops_what_has_not_begun_at_its_end) {
  std::promise<void> begun, gate;
  std::atomic<int> run = 0;
  int done = 0;
  {
    ThreadPool pool(*loop, {1, 2});
    ASSERT_TRUE(pool.submit(work(
        [&] {
          begun.set_value();
          gate.get_future().wait();
          ++run;
        },
        [&] { ++done; })));
    begun.get_future().wait();
    EXPECT_TRUE(pool.submit(work([&] { ++run; }, [&] { ++done; })));
    EXPECT_TRUE(pool.submit(work([&] { ++run; }, [&] { ++done; })));
    EXPECT_FALSE(pool.submit(work([&] { ++run; }, [&] { ++done; })));
    gate.set_value();
  }
  EXPECT_GE(run, 1);
  EXPECT_EQ(done, 0);
}

TEST_F(ThreadPoolTest, its_threads_take_no_signals) {
  ThreadPool pool(*loop);
  sigset_t mask;
  ASSERT_TRUE(pool.submit(work([&] { pthread_sigmask(SIG_SETMASK, nullptr, &mask); }, [&] { loop->stop(); })));
  loop->run();
  EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
  EXPECT_EQ(sigismember(&mask, SIGHUP), 1);
  EXPECT_EQ(sigismember(&mask, SIGSEGV), 0);
}

}  // namespace
}  // namespace holdfast::loop
