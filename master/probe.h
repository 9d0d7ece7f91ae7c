// Requests to a worker on trial: whether it answers as its configuration says it must.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"

namespace holdfast::master {

struct ProbeOrder {
  std::string socket;  // path of the worker's own unix socket
  std::string path;    // request target
  std::string host;
  int status = 200;
  Milliseconds timeout{};
};

/// Makes the requests one after the other, by HTTP/1.1, and waits for each answer's status line: to be called
/// in a process that may wait. Empty when all were right; else what was wrong, a line a probe.
std::string run_probes(const std::vector<ProbeOrder>& orders);

}  // namespace holdfast::master
