// Turns of a loop until something has happened, and work that is done when the test says so.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "common/api/work.h"
#include "tests/support/deadline.h"
#include "worker/loop/event_loop.h"

namespace holdfast::upstream {

/// Keeps the loop from waiting for ever when nothing happens.
class Tick final : private loop::Timer {
 public:
  explicit Tick(loop::EventLoop& loop) : loop_(loop) { loop_.timers().arm(*this, loop_.now()); }

 private:
  void on_timer(TimePoint now) override { loop_.timers().arm(*this, now + Milliseconds(20)); }
  loop::EventLoop& loop_;
};

/// False: it has not happened in time.
template <class Condition>
bool loop_until(loop::EventLoop& loop, Condition condition, Milliseconds in = Milliseconds(10'000)) {
  const support::Deadline deadline(in);
  const Tick tick(loop);
  while (!condition()) {
    if (deadline.passed()) return false;
    loop.turn();
  }
  return true;
}

class HandPool final : public api::WorkPool {
 public:
  bool submit(std::unique_ptr<api::Work> work) override {
    if (full) return false;
    waiting.push_back(std::move(work));
    return true;
  }
  void run() {
    while (!waiting.empty()) {
      const std::unique_ptr<api::Work> work = std::move(waiting.front());
      waiting.pop_front();
      work->run();
      work->done();
    }
  }

  bool full = false;
  std::deque<std::unique_ptr<api::Work>> waiting;
};

}  // namespace holdfast::upstream
