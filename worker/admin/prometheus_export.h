// The statistics as Prometheus reads them: text exposition format 0.0.4, made by prometheus-cpp from one
// snapshot of the segment. Every row of the metric table becomes a family; nothing is counted here.
#pragma once

#include <string>
#include <string_view>

#include "common/stats/stats_segment.h"

namespace holdfast::admin {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The body of /metrics.
std::string prometheus_text(const stats::Segment& segment);

}  // namespace holdfast::admin
