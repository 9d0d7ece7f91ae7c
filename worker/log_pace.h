// When the access log is written: many lines with one call, but soon. What waits is safe in shared memory.
#pragma once

#include "worker/http/access_log_writer.h"
#include "worker/loop/event_loop.h"

namespace holdfast::worker {

class LogPace final : private loop::Timer {
 public:
  /// A line waits at most so long, and a tick of the timers.
  static constexpr Milliseconds kPatience{100};

  /// Both outlive this object.
  LogPace(loop::EventLoop& loop, http::AccessLogWriter& writer) : loop_(loop), writer_(writer) {}
  ~LogPace() { loop_.timers().cancel(*this); }
  LogPace(const LogPace&) = delete;
  LogPace& operator=(const LogPace&) = delete;

  /// At the end of each turn.
  void look() {
    if (armed_ || !writer_.waiting()) return;
    armed_ = true;
    loop_.timers().arm(*this, loop_.now() + kPatience);
  }

 private:
  void on_timer(TimePoint /*now*/) override {
    armed_ = false;
    writer_.flush();
  }

  loop::EventLoop& loop_;
  http::AccessLogWriter& writer_;
  bool armed_ = false;
};

}  // namespace holdfast::worker
