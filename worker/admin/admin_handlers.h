// Handlers that show the statistics: /metrics, /status, /healthz, /readyz, and the dashboard's events. They
// read the shared segment and touch nothing.
#pragma once

#include <memory>

#include "common/api/handler.h"
#include "common/stats/stats_segment.h"
#include "config/config.h"

namespace holdfast::admin {

class Feed;

/// The handler of a status, metrics, health, ready or events action; null for any other. `segment` outlives it,
/// and so does `feed`, which only the admin process has: without it there are no events.
std::unique_ptr<api::Handler> make_admin_handler(const config::Action& action, const stats::Segment& segment,
                                                 Feed* feed = nullptr);

/// The routes of the admin listener as a configuration of one site and one listener: /metrics /status /healthz
/// /readyz, / (the dashboard) and what that is made of and lives on.
config::Config admin_configuration(const config::Config& config);

}  // namespace holdfast::admin
