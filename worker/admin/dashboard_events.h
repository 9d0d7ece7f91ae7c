// The events that the dashboard lives on, as JSON. They belong to the page of the same version and may change
// with it; programs ask /status.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/stats/stats_reader.h"
#include "common/stats/totals_history.h"
#include "config/config.h"
#include "worker/admin/status_report.h"

namespace holdfast::admin {

/// What changes seldom: version, listeners, certificates, reloads, fused routes, deaths. `config` is the whole
/// configuration, `page` names the version of the page.
std::string facts_json(const Status& status, const config::Config& config, std::string_view page);

/// One list for each second: until, length, requests, 4xx, 5xx, bytes received, bytes sent, connections, p50,
/// p95, p99. Times in milliseconds, percentiles in microseconds, null when no request ended.
std::string history_json(std::span<const stats::Totals> rows, const stats::BucketBounds& bounds);

/// Share of the interval that the event loops of a slot were at work, in thousandths.
using Loads = std::map<std::uint32_t, std::uint64_t>;

/// How it is now: the last second and the last minute as such lists, totals, workers, listeners and the busiest
/// sites. Null where `rows` has too few.
std::string now_json(const Status& status, std::span<const stats::Totals> rows,
                     const stats::BucketBounds& bounds, const Loads& loads);

}  // namespace holdfast::admin
