#include "worker/modules/route_metrics.h"

#include <algorithm>
#include <cmath>

#include "common/ascii.h"
#include "common/utf8.h"

namespace holdfast::modules {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label_name(std::string_view name) {
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool is_metric_name(std::string_view name) {
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == ':'; });
}

std::string name_problem(stats::Kind kind, std::string_view name) {
  if (!is_metric_name(name))
    return "the name must be made of letters, digits, _ and :, and not begin with a digit";
  if (name.size() >= stats::kMetricNameRoom)
    return "the name must not be longer than " + std::to_string(stats::kMetricNameRoom - 1) + " characters";
  for (const std::string_view own : {"holdfast_", "process_"})
    if (name.starts_with(own))
      return "names that begin with " + std::string(own) + " are the server's: choose another";
  const bool total = name.ends_with("_total");
  if (kind == stats::Kind::Counter && !total) return "the name of a counter must end in _total";
  if (kind != stats::Kind::Counter && total) return "only the name of a counter may end in _total";
  for (const std::string_view part : {"_count", "_sum", "_bucket"})
    if (name.ends_with(part))
      return "the name must not end in " + std::string(part) + ", which is a part of histograms";
  return {};
}

std::string help_problem(std::string_view help) {
  if (help.empty()) return "help must be a sentence that says what is counted";
  if (help.size() >= stats::kMetricHelpRoom)
    return "help must not be longer than " + std::to_string(stats::kMetricHelpRoom - 1) + " bytes";
  while (!help.empty()) {
    const std::size_t length = utf8_front(help);
    const auto first = static_cast<unsigned char>(help[0]);
    if (length == 0 || first < 0x20 || first == 0x7f) return "help must be one line of UTF-8";
    help.remove_prefix(length);
  }
  return {};
}

std::string label_problem(const std::array<std::string_view, 2>& labels) {
  if (labels[0].empty() && !labels[1].empty()) return "the first of two labels has no name";
  if (!labels[0].empty() && labels[0] == labels[1]) return "its two labels have the same name";
  for (const std::string_view label : labels) {
    if (label.empty()) continue;
    const std::string which = "label `" + std::string(label) + "`: ";
    if (!is_label_name(label))
      return which + "the name must be made of letters, digits and _, and not begin with a digit";
    if (label.size() >= stats::kLabelRoom)
      return which + "the name must not be longer than " + std::to_string(stats::kLabelRoom - 1) +
             " characters";
    if (label == "route" || label == "le" || label == "quantile" || label.starts_with("__"))
      return which + "this name has a meaning of its own: choose another";
  }
  return {};
}

std::string bounds_problem(stats::Kind kind, std::span<const double> bounds) {
  if (kind != stats::Kind::Histogram) return bounds.empty() ? "" : "only a histogram has buckets";
  if (bounds.empty() || bounds.size() > stats::kMostBounds)
    return "a histogram must have 1 to " + std::to_string(stats::kMostBounds) + " buckets";
  for (std::size_t i = 0; i < bounds.size(); ++i)
    if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1]))
      return "the bounds of the buckets must be numbers that rise, without +Inf";
  return {};
}

std::string_view kind_text(stats::Kind kind) {
  switch (kind) {
    case stats::Kind::Counter:
      return "a counter";
    case stats::Kind::Gauge:
      return "a gauge";
    case stats::Kind::Histogram:
      return "a histogram";
  }
  return "";
}

api::MetricError wrong(const api::MetricRow& row, const std::string& problem) {
  return api::MetricError("metric `" + std::string(row.name) + "`: " + problem);
}

}  // namespace

std::string problem_of(stats::Kind kind, const api::MetricRow& row) {
  for (std::string problem : {name_problem(kind, row.name), help_problem(row.help), label_problem(row.labels),
                              bounds_problem(kind, row.buckets)})
    if (!problem.empty()) return problem;
  return {};
}

DeclaredNames::Known DeclaredNames::known_of(stats::Kind kind, const api::MetricRow& row,
                                             std::string_view route, const std::string& module) {
  return {kind,
          std::string(row.help),
          std::string(row.labels[0]),
          std::string(row.labels[1]),
          {row.buckets.begin(), row.buckets.end()},
          std::string(route),
          module};
}

std::string DeclaredNames::difference(const Known& first, const Known& second) {
  if (first.kind != second.kind) return "as " + std::string(kind_text(first.kind));
  if (first.first_label != second.first_label || first.second_label != second.second_label)
    return "with other labels";
  if (first.bounds != second.bounds) return "with other buckets";
  if (first.help != second.help) return "with another help text";
  return {};
}

stats::DeclaredMetric& DeclaredNames::declare(stats::Kind kind, const api::MetricRow& row,
                                              std::string_view route, const std::string& module) {
  if (const std::string problem = problem_of(kind, row); !problem.empty()) throw wrong(row, problem);
  Known declared = known_of(kind, row, route, module);
  if (const auto known = names_.find(row.name); known != names_.end()) {
    if (const std::string how = difference(known->second, declared); !how.empty())
      throw wrong(row, "is declared " + how + " for the route " + known->second.route + " by " +
                           known->second.module + ": who shares a name must declare the same");
  }
  const Result<stats::DeclaredMetric*> metric =
      metrics_.declare({kind, row.name, row.help, route, row.labels, row.buckets});
  if (!metric) throw wrong(row, metric.error().message());
  names_.emplace(row.name, std::move(declared));
  return **metric;
}

api::MetricFamily& RouteMetrics::declare(Kind kind, const api::MetricRow& row) {
  if (closed_)
    throw std::logic_error("metric `" + std::string(row.name) +
                           "` is declared too late: metrics are declared in the handler's constructor");
  static_assert(static_cast<int>(Kind::Counter) == static_cast<int>(stats::Kind::Counter) &&
                static_cast<int>(Kind::Histogram) == static_cast<int>(stats::Kind::Histogram));
  return families_.emplace_back(names_.declare(static_cast<stats::Kind>(kind), row, route_, module_));
}

}  // namespace holdfast::modules
