#include "common/stats/stats_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {

namespace {

struct SumKey {
  std::uint64_t packed = 0;
  std::uint32_t slot = 0;
  bool operator==(const SumKey&) const = default;
};
struct SumKeyHash {
  std::size_t operator()(const SumKey& key) const {
    return (key.packed ^ std::uint64_t{key.slot} << 56) * 0x9e3779b97f4a7c15;
  }
};

/// Adds up blocks; one pass over everything makes one snapshot.
class Summer {
 public:
  void add_block(const SeriesBlock& block, std::uint32_t slot) {
    const std::uint64_t series =
        std::min<std::uint64_t>(block.series_count.load(std::memory_order_acquire), kMaxSeries);
    for (std::uint64_t i = 0; i < series; ++i) {
      const std::uint64_t key = block.series[i].key.load(std::memory_order_relaxed);
      if (const auto where = place_of(key, slot))
        series_[*where] += block.series[i].value.load(std::memory_order_relaxed);
    }
    const std::uint64_t histograms =
        std::min<std::uint64_t>(block.histogram_count.load(std::memory_order_acquire), kMaxHistograms);
    for (std::uint64_t i = 0; i < histograms; ++i) add_histogram(block.histograms[i], slot);
  }

  void put_into(Snapshot& snapshot) const {
    for (const auto& [key, value] : series_)
      snapshot.series.push_back({SeriesKey::unpack(key.packed), key.slot, value});
    for (const auto& [key, sum] : histograms_) snapshot.histograms.push_back(sum);
    std::ranges::sort(snapshot.series, {},
                      [](const SeriesSum& sum) { return std::tuple(sum.key.packed(), sum.slot); });
    std::ranges::sort(snapshot.histograms, {}, [](const HistogramSum& sum) { return sum.key.packed(); });
  }

 private:
  /// Nothing: the seat's owner does not count there. A worker's metric is kept by slot, of which the master has
  /// none.
  static std::optional<SumKey> place_of(std::uint64_t packed, std::uint32_t slot) {
    if (!SeriesKey::valid(packed)) return std::nullopt;
    const MetricRow& metric = row(SeriesKey::unpack(packed).metric);
    if (slot == kAdminSlot && !metric.counts_admin) return std::nullopt;
    const bool by_slot = metric.is_by_worker();
    if (by_slot && slot >= kMaxSlots) return std::nullopt;
    return SumKey{packed, by_slot ? slot : 0};
  }

  void add_histogram(const HistogramEntry& entry, std::uint32_t slot) {
    const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if (!place_of(key, slot)) return;
    HistogramSum& sum = histograms_[key];
    sum.key = SeriesKey::unpack(key);
    sum.sum += entry.sum.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < sum.buckets.size(); ++i)
      sum.buckets[i] += entry.buckets[i].load(std::memory_order_relaxed);
  }

  std::unordered_map<SumKey, std::uint64_t, SumKeyHash> series_;
  std::unordered_map<std::uint64_t, HistogramSum> histograms_;
};

/// Answered by this process alone. The series is among the first, which WorkerStats makes at its construction.
std::uint64_t requests_of(const SeriesBlock& block) {
  const std::uint64_t key = SeriesKey{Metric::WorkerRequests}.packed();
  const std::uint64_t count =
      std::min<std::uint64_t>(block.series_count.load(std::memory_order_acquire), kMaxSeries);
  for (std::uint64_t i = 0; i < count; ++i)
    if (block.series[i].key.load(std::memory_order_relaxed) == key)
      return block.series[i].value.load(std::memory_order_relaxed);
  return 0;
}

ProcessView view_of(const Segment& segment, std::uint32_t seat, SeatUse use) {
  const SeatState& state = segment.seat_state(seat);
  return {static_cast<std::uint32_t>(state.slot.load(std::memory_order_relaxed)),
          state.pid.load(std::memory_order_relaxed),
          state.generation.load(std::memory_order_relaxed),
          use,
          state.started.load(std::memory_order_relaxed),
          segment.seat(seat).activity.connections.load(std::memory_order_relaxed),
          requests_of(segment.seat(seat).counters)};
}

Snapshot read_once(const Segment& segment) {
  Snapshot snapshot;
  Summer summer;
  const std::uint32_t seats = segment.seats_used();
  for (std::uint32_t seat = 0; seat < seats; ++seat) {
    const auto use = static_cast<SeatUse>(segment.seat_state(seat).use.load(std::memory_order_acquire));
    if (use == SeatUse::Free) continue;
    const auto slot = static_cast<std::uint32_t>(segment.seat_state(seat).slot.load(std::memory_order_relaxed));
    summer.add_block(segment.seat(seat).counters, slot);
    if (seat != kMasterSeat) snapshot.processes.push_back(view_of(segment, seat, use));
  }
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot)
    if (segment.has_retired(slot)) summer.add_block(segment.retired(slot), slot);
  summer.put_into(snapshot);
  std::ranges::sort(snapshot.processes, {},
                    [](const ProcessView& view) { return std::tuple(view.slot, view.generation, view.pid); });
  return snapshot;
}

}  // namespace

Snapshot take_snapshot(const Segment& segment) {
  Snapshot snapshot;
  read_consistently(segment.fold_sequence(), [&] { snapshot = read_once(segment); });
  return snapshot;
}

}  // namespace holdfast::stats
