// What a worker declares metrics of modules with, and counts them through. Belongs to the worker's part that
// opens modules; what it hands out lives as long as it does.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/stats/worker_stats.h"

namespace holdfast::stats {

/// A metric as a module declares it for a route. All texts were checked: names and help fit their places
/// (declared_layout.h), the bounds rise.
struct Declaration {
  Kind kind = Kind::Counter;
  std::string_view name;
  std::string_view help;
  std::string_view route;
  std::array<std::string_view, 2> labels{};  // used from the front
  std::span<const double> bounds{};          // of a histogram, without +Inf

  std::uint32_t label_count() const { return labels[0].empty() ? 0 : labels[1].empty() ? 1 : 2; }
};

/// A declared metric in this worker's seat.
class DeclaredMetric {
 public:
  DeclaredMetric(DeclaredTable& table, DeclaredBlock& block, std::uint32_t place, std::uint32_t seat);

  /// The words of the series with these label values. A combination that is seen for the first time gets a
  /// place; when there is none left it is counted as "other". Values are cut and cleaned like other names
  /// (name_table.h). Allocates nothing. The words are this worker's alone, and stay where they are.
  Word* series(std::string_view first, std::string_view second);
  std::span<const double> bounds() const;

 private:
  struct Known {
    std::string_view first, second;  // in the segment
    Word* words;
  };
  Word* known(std::string_view first, std::string_view second) const;

  DeclaredTable& table_;
  DeclaredBlock& block_;
  const std::uint32_t place_;
  const std::uint32_t seat_;
  DeclaredExtent extent_;
  std::uint32_t label_count_;
  std::vector<Known> known_;
};

class DeclaredMetrics {
 public:
  /// All of it outlives this.
  explicit DeclaredMetrics(WorkerStats& stats) : stats_(stats) {}
  DeclaredMetrics(const DeclaredMetrics&) = delete;
  DeclaredMetrics& operator=(const DeclaredMetrics&) = delete;

  /// Finds or adds the declaration. Fails when the segment has no place for another one.
  Result<DeclaredMetric*> declare(const Declaration& declaration);

 private:
  WorkerStats& stats_;
  std::vector<std::unique_ptr<DeclaredMetric>> metrics_;
};

}  // namespace holdfast::stats
