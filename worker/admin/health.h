// May traffic be sent here? The answers behind /healthz and /readyz, from the shared segment alone.
#pragma once

#include <optional>
#include <string>

#include "common/stats/stats_segment.h"

namespace holdfast::admin {

/// Nothing when as many slots serve as are wanted; else the reason, one line without its end.
std::optional<std::string> reason_not_ready(const stats::Segment& segment);

}  // namespace holdfast::admin
