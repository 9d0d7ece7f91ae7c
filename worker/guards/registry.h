// Configuration of a route -> its guards. The one place that knows all of them; a new one is a file pair and a
// line in registry.cpp.
#pragma once

#include "common/api/work.h"
#include "common/limits/shared_limits.h"
#include "common/log.h"
#include "common/result.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

/// What guards use of the worker; all of it outlives them.
struct Means {
  stats::WorkerStats& stats;
  limits::SharedLimits* limits = nullptr;  // null: rates are not limited
  api::WorkPool* pool = nullptr;  // null: nobody will be asked for a password (a trial of the configuration)
  LogRate* refusals = nullptr;    // how often refusals by rate are logged; with `limits`
};

/// The guards of every route, in the order in which they are asked: addresses, preflights, rates, passwords.
/// Fails with a message that names what could not be made.
Result<http::GuardTable> make_guards(const config::Config& config, const Means& means);

}  // namespace holdfast::guards
