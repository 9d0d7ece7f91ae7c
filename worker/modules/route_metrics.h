// The metrics that modules declare: are they well formed, and does everybody who declares a name mean the same?
// What passes is given a place in the shared segment (common/stats/declared_metrics.h).
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/metrics.h"
#include "common/stats/declared_metrics.h"

namespace holdfast::modules {

/// What is wrong with a metric by itself, as a sentence's end ("the name must ..."); empty: nothing.
std::string problem_of(stats::Kind kind, const api::MetricRow& row);

/// All names that the modules of this process have declared. Outlives the handlers.
class DeclaredNames {
 public:
  explicit DeclaredNames(stats::WorkerStats& stats) : metrics_(stats) {}

  /// Throws MetricError when `row` is malformed, when another module has declared the name differently, or when
  /// there is no place for it.
  stats::DeclaredMetric& declare(stats::Kind kind, const api::MetricRow& row, std::string_view route,
                                 const std::string& module);

 private:
  struct Known {
    stats::Kind kind;
    std::string help, first_label, second_label;
    std::vector<double> bounds;
    std::string route, module;
  };
  static Known known_of(stats::Kind kind, const api::MetricRow& row, std::string_view route,
                        const std::string& module);
  static std::string difference(const Known& first, const Known& second);

  stats::DeclaredMetrics metrics_;
  std::map<std::string, Known, std::less<>> names_;
};

/// What the handler of one route sees.
class RouteMetrics final : public api::Metrics {
 public:
  /// All of it outlives this.
  RouteMetrics(DeclaredNames& names, std::string_view route, const std::string& module)
      : names_(names), route_(route), module_(module) {}
  RouteMetrics(const RouteMetrics&) = delete;
  RouteMetrics& operator=(const RouteMetrics&) = delete;

  /// Nothing is declared from now on.
  void close() { closed_ = true; }

 private:
  class Family final : public api::MetricFamily {
   public:
    explicit Family(stats::DeclaredMetric& metric) : metric_(metric) {}
    api::MetricWords series(std::string_view first, std::string_view second) override {
      return {metric_.series(first, second), metric_.bounds()};
    }

   private:
    stats::DeclaredMetric& metric_;
  };
  api::MetricFamily& declare(Kind kind, const api::MetricRow& row) override;

  DeclaredNames& names_;
  const std::string_view route_;
  const std::string& module_;
  std::deque<Family> families_;
  bool closed_ = false;
};

}  // namespace holdfast::modules
