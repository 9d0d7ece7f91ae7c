// What a worker (or the master, in its own seat) counts through. Looks a series up once, keeps the address:
// after that an increment is a load and a store, no lock and no locked instruction, since the seat has one
// writer.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "common/stats/stats_segment.h"

namespace holdfast::stats {

/// A counter or gauge cell of one writer. Cheap to copy; valid as long as the segment is mapped.
class Cell {
 public:
  Cell() = default;
  explicit Cell(Word* word) : word_(word) {}
  void add(std::uint64_t n = 1) {
    word_->store(word_->load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) { add(~n + 1); }
  void set(std::uint64_t value) { word_->store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return word_->load(std::memory_order_relaxed); }
  explicit operator bool() const { return word_ != nullptr; }

 private:
  Word* word_ = nullptr;
};

/// A histogram of one writer; values in nanoseconds.
class HistogramCell {
 public:
  HistogramCell() = default;
  /// `bounds` outlives the cell.
  HistogramCell(HistogramEntry* entry, const BucketBounds& bounds) : entry_(entry), bounds_(bounds.data()) {}
  void observe(std::uint64_t nanoseconds);
  explicit operator bool() const { return entry_ != nullptr; }

 private:
  HistogramEntry* entry_ = nullptr;
  const std::uint64_t* bounds_ = nullptr;
};

class WorkerStats {
 public:
  WorkerStats(Segment& segment, std::uint32_t seat);
  WorkerStats(const WorkerStats&) = delete;
  WorkerStats& operator=(const WorkerStats&) = delete;

  /// The cell of a counter or gauge; made at first use. When the seat's directory is full, the metric's series
  /// with all labels 0 ("other") is answered, whose place is reserved at construction.
  Cell cell(Metric metric, std::uint16_t a = 0, std::uint16_t b = 0, std::uint16_t c = 0);
  HistogramCell histogram(Metric metric, std::uint16_t a = 0);

  Activity& activity() { return seat_.activity; }
  Segment& segment() { return segment_; }
  /// What modules count (declared_metrics.h).
  DeclaredBlock& declared() { return seat_.declared; }
  /// Who is in which room of a chat.
  PresenceBlock& presence() { return seat_.presence; }
  std::uint32_t seat_index() const { return seat_index_; }

 private:
  Segment& segment_;
  Seat& seat_;
  const std::uint32_t seat_index_;
  const BucketBounds bounds_;
  std::unordered_map<std::uint64_t, std::uint32_t> series_;
  std::unordered_map<std::uint64_t, std::uint32_t> histograms_;
};

}  // namespace holdfast::stats
