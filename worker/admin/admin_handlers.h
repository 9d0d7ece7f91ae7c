// Handlers that show the statistics: /metrics, /status, /healthz, /readyz. They read the shared segment and
// touch nothing.
#pragma once

#include <memory>

#include "common/api/handler.h"
#include "common/stats/stats_segment.h"
#include "config/config.h"

namespace holdfast::admin {

/// The handler of a status, metrics, health or ready action; null for any other. `segment` outlives it.
std::unique_ptr<api::Handler> make_admin_handler(const config::Action& action, const stats::Segment& segment);

/// The routes of the admin listener as a configuration of one site and one listener: /metrics /status /healthz
/// /readyz and / (a short page that links to them).
config::Config admin_configuration(const config::Config& config);

}  // namespace holdfast::admin
