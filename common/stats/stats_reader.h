// Consistent sums over all live seats and retired rows: what /metrics, /status and `holdfast status` show.
// Reads only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/stats/stats_segment.h"

namespace holdfast::stats {

struct SeriesSum {
  SeriesKey key;
  std::uint32_t slot = 0;  // meaningful for metrics with Label::Worker, which are summed for each slot; else 0
  std::uint64_t value = 0;
};
struct HistogramSum {
  SeriesKey key;
  std::uint64_t sum = 0;
  std::array<std::uint64_t, kBucketBounds.size() + 1> buckets{};  // not cumulative
};
struct ProcessView {
  std::uint32_t slot = 0;
  std::uint64_t pid = 0;
  std::uint64_t generation = 0;
  SeatUse use{};
  std::uint64_t started = 0;  // wall nanoseconds
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;  // answered by this process
};
struct Snapshot {
  std::vector<SeriesSum> series;         // sorted by metric, then labels; each key (and slot) once
  std::vector<HistogramSum> histograms;  // sorted by metric, then labels
  std::vector<ProcessView> processes;    // live workers and the admin process, by slot, then generation
};

/// Retries while a fold is under way, so that no counter is ever seen to fall; bounded (a master that died in
/// the middle of a fold leaves readers with what is there).
Snapshot take_snapshot(const Segment& segment);

}  // namespace holdfast::stats
