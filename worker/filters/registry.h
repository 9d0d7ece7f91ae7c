// Configuration of a route -> the filters that its responses pass. The one place that knows every filter and
// their order.
#pragma once

#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/filters/encoder.h"
#include "worker/http/response_filter.h"

namespace holdfast::filters {

/// `pool` and `stats` outlive the filters.
http::FilterTable make_filters(const config::Config& config, EncoderPool& pool, stats::WorkerStats& stats);

}  // namespace holdfast::filters
