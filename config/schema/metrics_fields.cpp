#include <algorithm>

#include "common/stats/metric_table.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

const std::string& default_buckets() {
  static const std::string text = [] {
    std::string list;
    for (const std::uint64_t bound : stats::kBucketBounds)
      list.append(list.empty() ? "[" : ", ").append(format_short_duration(bound / 1000));
    return list + "]";
  }();
  return text;
}

Kind<std::vector<std::uint64_t>> buckets_kind() {
  Kind<std::vector<std::uint64_t>> kind = list_of(short_duration(1, 3600ULL * 1'000'000), 1);
  kind.read = [read = kind.read](Reader& reader, const Node& node, std::vector<std::uint64_t>& out) {
    if (!read(reader, node, out)) return false;
    if (out.size() > stats::kBucketBounds.size())
      return reader.wrong(node, "must have at most " + std::to_string(stats::kBucketBounds.size()) + " bounds");
    if (!std::ranges::is_sorted(out, std::ranges::less_equal()))
      return reader.wrong(node, "must be in ascending order, none of them twice");
    return true;
  };
  return kind;
}

}  // namespace

const Rows<Metrics>& metrics_rows() {
  static const Rows<Metrics> rows = make_rows<Metrics>(field(
      "buckets", &Metrics::buckets, buckets_kind(), default_buckets(), Takes::Restart,
      "Upper bounds of the histograms of durations, without the last one, +Inf. Percentiles are as exact as "
      "they are close together where your answers are."));
  return rows;
}

}  // namespace holdfast::config
