// Looks once a second whether what the sandbox lets through is still there, or has been replaced by something
// that only a new worker can open, and tells the master then. One for each worker; owned by it.
#pragma once

#include <string>
#include <vector>

#include "worker/control_client.h"
#include "worker/loop/event_loop.h"
#include "worker/sandbox/drift.h"

namespace holdfast::worker {

class SandboxWatch final : private loop::Timer {
 public:
  /// Both outlive it.
  SandboxWatch(loop::EventLoop& loop, ControlClient& control) : loop_(loop), control_(control) {}

  void start(std::vector<std::string> paths);
  void stop() { loop_.timers().cancel(*this); }

 private:
  void on_timer(TimePoint now) override;

  loop::EventLoop& loop_;
  ControlClient& control_;
  sandbox::Drift drift_{{}};
};

}  // namespace holdfast::worker
