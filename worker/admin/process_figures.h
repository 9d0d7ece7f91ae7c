// What the kernel says about master and workers together, under the names every dashboard knows: CPU, memory,
// descriptors. Read from /proc by the pids in the statistics segment; a figure that cannot be had for all
// processes is absent rather than wrong.
#pragma once

#include <cstdint>
#include <optional>

#include "common/stats/stats_reader.h"

namespace holdfast::admin {

struct ProcessFigures {
  /// CPU time of master, live workers and all workers the master has waited for: it does not fall when one
  /// dies.
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> open_descriptors;
  std::optional<std::uint64_t> most_descriptors;  // sum of the soft limits
};

/// `master` is the pid of the master, 0 when unknown: then nothing is told.
ProcessFigures read_process_figures(std::uint64_t master, const std::vector<stats::ProcessView>& workers);

}  // namespace holdfast::admin
