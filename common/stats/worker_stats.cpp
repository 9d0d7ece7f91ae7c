#include "common/stats/worker_stats.h"

namespace holdfast::stats {

namespace {

// A fuller directory leaves these to the "other" series of each metric, which are made first.
constexpr SeriesKey other(Metric metric) {
  return {metric, 0, 0, 0};
}

std::uint32_t append_series(SeriesBlock& block, std::uint64_t key) {
  const std::uint64_t index = block.series_count.load(std::memory_order_relaxed);
  block.series[index].key.store(key, std::memory_order_relaxed);
  // Readers that see the new length see the key.
  block.series_count.store(index + 1, std::memory_order_release);
  return static_cast<std::uint32_t>(index);
}

std::uint32_t append_histogram(SeriesBlock& block, std::uint64_t key) {
  const std::uint64_t index = block.histogram_count.load(std::memory_order_relaxed);
  block.histograms[index].key.store(key, std::memory_order_relaxed);
  block.histogram_count.store(index + 1, std::memory_order_release);
  return static_cast<std::uint32_t>(index);
}

}  // namespace

void HistogramCell::observe(std::uint64_t nanoseconds) {
  std::size_t bucket = 0;
  while (bucket < kBucketBounds.size() && nanoseconds > bounds_[bucket]) ++bucket;
  Cell(&entry_->buckets[bucket]).add();
  Cell(&entry_->sum).add(nanoseconds);
}

WorkerStats::WorkerStats(Segment& segment, std::uint32_t seat)
    : segment_(segment), seat_(segment.seat(seat)), seat_index_(seat), bounds_(segment.bucket_bounds()) {
  SeriesBlock& block = seat_.counters;
  const std::uint64_t series = block.series_count.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < series; ++i)
    series_.emplace(block.series[i].key.load(std::memory_order_relaxed), i);
  const std::uint64_t histograms = block.histogram_count.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < histograms; ++i)
    histograms_.emplace(block.histograms[i].key.load(std::memory_order_relaxed), i);
  for (const MetricRow& row : kMetrics) {
    if (row.kind == Kind::Histogram)
      histogram(row.id);
    else
      cell(row.id);
  }
}

Cell WorkerStats::cell(Metric metric, std::uint16_t a, std::uint16_t b, std::uint16_t c) {
  SeriesBlock& block = seat_.counters;
  const std::uint64_t key = SeriesKey{metric, a, b, c}.packed();
  const auto known = series_.find(key);
  if (known != series_.end()) return Cell(&block.series[known->second].value);
  if (series_.size() >= kMaxSeries) return Cell(&block.series[series_.at(other(metric).packed())].value);
  const std::uint32_t index = append_series(block, key);
  series_.emplace(key, index);
  return Cell(&block.series[index].value);
}

HistogramCell WorkerStats::histogram(Metric metric, std::uint16_t a) {
  SeriesBlock& block = seat_.counters;
  const std::uint64_t key = SeriesKey{metric, a, 0, 0}.packed();
  const auto known = histograms_.find(key);
  if (known != histograms_.end()) return {&block.histograms[known->second], bounds_};
  if (histograms_.size() >= kMaxHistograms)
    return {&block.histograms[histograms_.at(other(metric).packed())], bounds_};
  const std::uint32_t index = append_histogram(block, key);
  histograms_.emplace(key, index);
  return {&block.histograms[index], bounds_};
}

}  // namespace holdfast::stats
