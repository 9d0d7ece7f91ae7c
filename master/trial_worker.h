// A worker of the next generation that no client reaches, while it shows whether it can serve. Data only; the
// master moves it on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "master/inquiry.h"
#include "master/trial_sockets.h"
#include "master/worker_process.h"

namespace holdfast::master {

struct TrialWorker {
  enum class State : std::uint8_t {
    Starting,  // until it is ready
    Asked,     // its probes are being made
    Leaving    // told to quit
  };

  WorkerProcess process;
  TrialSockets sockets;
  State state = State::Starting;
  TimePoint deadline = kNever;  // of the state
  std::optional<Inquiry> probes = std::nullopt;
  std::string problem = {};  // that it has reported
  ErrorKind problem_kind = ErrorKind::Unavailable;
};

}  // namespace holdfast::master
