// Timers of handlers, as those of the worker's loop.
#pragma once

#include <memory>

#include "worker/http/exchange_host.h"
#include "worker/loop/event_loop.h"

namespace holdfast::worker {

class LoopTimers final : public http::TimerService {
 public:
  /// The loop outlives what is started here.
  explicit LoopTimers(loop::EventLoop& loop) : loop_(loop) {}
  std::unique_ptr<api::TimerHold> start(TimePoint when, api::TimerListener& listener) override;

 private:
  loop::EventLoop& loop_;
};

}  // namespace holdfast::worker
