// Configuration of a route -> its guards. The one place that knows all of them; a new one is a file pair and a
// line in registry.cpp.
#pragma once

#include "common/limits/shared_limits.h"
#include "common/log.h"
#include "common/result.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

/// What guards of one worker share. Outlives them.
struct Shared {
  limits::SharedLimits* limits = nullptr;  // null, as in `holdfast check`: nobody is to be served
  stats::WorkerStats* stats = nullptr;     // likewise
  LogRate rate_limit_lines{1, Milliseconds(10'000)};
};

/// The guards of every route, in the order in which they are asked. Fails with a message that names the route
/// and what could not be made.
Result<http::GuardTable> make_guards(const config::Config& config, Shared& shared);

}  // namespace holdfast::guards
