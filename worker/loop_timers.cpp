#include "worker/loop_timers.h"

namespace holdfast::worker {
namespace {

class LoopTimer final : public api::TimerHold, private loop::Timer {
 public:
  LoopTimer(loop::EventLoop& loop, TimePoint when, api::TimerListener& listener) : listener_(listener) {
    loop.timers().arm(*this, when);
  }

 private:
  void on_timer(TimePoint /*now*/) override { listener_.on_timer(); }

  api::TimerListener& listener_;
};

}  // namespace

std::unique_ptr<api::TimerHold> LoopTimers::start(TimePoint when, api::TimerListener& listener) {
  return std::make_unique<LoopTimer>(loop_, when, listener);
}

}  // namespace holdfast::worker
