// The metrics of modules with what all workers have counted, for /metrics. Reads only.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "common/stats/stats_segment.h"

namespace holdfast::stats {

struct DeclaredSum {
  double value = 0;                    // of a histogram: the sum of what was observed
  std::vector<std::uint64_t> buckets;  // not cumulative; the last is +Inf
};

/// All declarations of one name: one family of /metrics.
struct DeclaredFamily {
  Kind kind{};
  std::string name;
  std::string help;
  std::vector<std::string> labels;  // without `route`
  std::vector<double> bounds;
  /// By route and label values, as many as there are labels.
  std::map<std::array<std::string, 3>, DeclaredSum> series;
};

/// By name. Of declarations of the same name that do not agree (a module was changed by a reload) those of the
/// newest generation that serves are shown. Counters are never seen to fall; gauges are of living workers.
std::vector<DeclaredFamily> read_declared(const Segment& segment);

}  // namespace holdfast::stats
