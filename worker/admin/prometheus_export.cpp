#include "worker/admin/prometheus_export.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "common/api/request.h"
#include "common/stats/declared_reader.h"
#include "common/stats/stats_reader.h"
#include "worker/admin/process_figures.h"

namespace holdfast::admin {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using stats::Kind;
using stats::Label;
using stats::Metric;

using Labels = std::vector<ClientMetric::Label>;

// Above so many sites a site appears with its first request, not before: zeros would be most of the text.
constexpr std::uint32_t kMostSitesAtZero = 1000;

bool from_table(Label label) {
  return label == Label::Site || label == Label::Listener || label == Label::Certificate ||
         label == Label::Route;
}

/// The numbers of a series' labels, one after the other.
class LabelNumbers {
 public:
  explicit LabelNumbers(const stats::SeriesKey& key) : left_{key.a, key.b, key.c} {}
  std::uint16_t next() {
    const std::uint16_t first = left_[0];
    left_ = {left_[1], left_[2], 0};
    return first;
  }

 private:
  std::array<std::uint16_t, 3> left_;
};

/// What was counted for a site or listener that has no name of its own is shown only when there is something.
bool is_other(const stats::MetricRow& row, const stats::SeriesKey& key) {
  LabelNumbers numbers(key);
  for (Label label : row.labels)
    if (label != Label::Worker && label != Label::None && numbers.next() == 0 && from_table(label)) return true;
  return false;
}

std::string label_value(const stats::Segment& segment, Label label, std::uint32_t value) {
  if (label == Label::Site) return std::string(segment.site_name(static_cast<std::uint16_t>(value)));
  if (label == Label::Listener) return std::string(segment.listener_name(static_cast<std::uint16_t>(value)));
  if (label == Label::Certificate)
    return std::string(segment.certificate_name(static_cast<std::uint16_t>(value)));
  if (label == Label::Route) return std::string(segment.route_name(static_cast<std::uint16_t>(value)));
  if (label == Label::Code) return value == 0 ? "other" : std::to_string(value);
  if (label == Label::Worker) return std::to_string(value);
  return std::string(stats::label_text(label, value));
}

Labels labels_of(const stats::Segment& segment, const stats::MetricRow& row, const stats::SeriesKey& key,
                 std::uint32_t slot) {
  LabelNumbers numbers(key);
  Labels labels;
  for (Label label : row.labels) {
    if (label == Label::None) continue;
    const std::uint32_t number = label == Label::Worker ? slot : numbers.next();
    labels.push_back({std::string(stats::label_name(label)), label_value(segment, label, number)});
  }
  return labels;
}

/// Stored integers become seconds by division, which rounds to the nearest double; multiplying by 1e-9 does
/// not.
double scaled(double stored, const stats::MetricRow& row) {
  return row.scale == 1 ? stored : stored / std::round(1 / row.scale);
}

MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::Counter:
      return MetricType::Counter;
    case Kind::Gauge:
      return MetricType::Gauge;
    case Kind::Histogram:
      return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

MetricFamily empty_family(const stats::MetricRow& row) {
  return {std::string(row.name), std::string(row.help), type_of(row.kind), {}};
}

/// The library writes help as it is; the format wants a backslash doubled.
std::string escaped_help(std::string_view help) {
  std::string out;
  for (const char c : help) out.append(c == '\\' ? 2 : 1, c);
  return out;
}

ClientMetric declared_metric(const stats::DeclaredFamily& family, const std::array<std::string, 3>& values,
                             const stats::DeclaredSum& sum) {
  ClientMetric metric;
  metric.label.push_back({"route", values[0]});
  for (std::size_t i = 0; i < family.labels.size(); ++i)
    metric.label.push_back({family.labels[i], values[i + 1]});
  if (family.kind == Kind::Counter) metric.counter.value = sum.value;
  if (family.kind == Kind::Gauge) metric.gauge.value = sum.value;
  if (family.kind != Kind::Histogram) return metric;
  metric.histogram.sample_sum = sum.value;
  for (std::size_t i = 0; i < sum.buckets.size(); ++i) {
    metric.histogram.sample_count += sum.buckets[i];
    const double bound = i < family.bounds.size() ? family.bounds[i] : HUGE_VAL;
    metric.histogram.bucket.push_back({metric.histogram.sample_count, bound});
  }
  return metric;
}

void add_declared(std::vector<MetricFamily>& families, const stats::Segment& segment) {
  for (const stats::DeclaredFamily& declared : stats::read_declared(segment)) {
    MetricFamily family{declared.name, escaped_help(declared.help), type_of(declared.kind), {}};
    for (const auto& [values, sum] : declared.series)
      family.metric.push_back(declared_metric(declared, values, sum));
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
}

/// The keys that exist from the start with value 0, so that rate() sees the first event.
std::vector<stats::SeriesKey> known_keys(const stats::Segment& segment, const stats::MetricRow& row) {
  std::vector<stats::SeriesKey> keys{{row.id}};
  std::size_t position = 0;
  for (Label label : row.labels) {
    if (label == Label::None) continue;
    if (label == Label::Worker) return {};  // a worker makes its own series when it starts
    std::uint32_t first = 0, end = stats::label_count(label);
    if (label == Label::Site && segment.site_count() > kMostSitesAtZero) return {};
    if (label == Label::Site) first = 1, end = segment.site_count();
    if (label == Label::Listener) first = 1, end = segment.listener_count();
    // Of all methods and codes only the most common pair is certain to come.
    if (label == Label::Method) first = static_cast<std::uint32_t>(api::Method::Get), end = first + 1;
    if (label == Label::Code) first = 200, end = 201;
    std::vector<stats::SeriesKey> longer;
    for (const stats::SeriesKey& key : keys) {
      for (std::uint32_t value = first; value < end; ++value) {
        stats::SeriesKey next = key;
        (position == 0 ? next.a : position == 1 ? next.b : next.c) = static_cast<std::uint16_t>(value);
        longer.push_back(next);
      }
    }
    keys = std::move(longer);
    ++position;
  }
  return keys;
}

class StatsCollector final : public prometheus::Collectable {
 public:
  explicit StatsCollector(const stats::Segment& segment) : segment_(segment) {}

  std::vector<MetricFamily> Collect() const override {
    const stats::Snapshot snapshot = stats::take_snapshot(segment_);
    std::vector<MetricFamily> families;
    for (const stats::MetricRow& row : stats::kMetrics) {
      MetricFamily family = empty_family(row);
      if (row.id == Metric::BuildInfo)
        add_build_info(family);
      else if (row.kind == Kind::Histogram)
        add_histograms(family, row, snapshot);
      else
        add_series(family, row, snapshot);
      // A family without series would be a bare TYPE line.
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
    add_process_figures(families, snapshot);
    add_declared(families, segment_);
    return families;
  }

 private:
  void add_build_info(MetricFamily& family) const {
    ClientMetric metric;
    metric.label = {{"version", segment_.notes().version}, {"compiler", __VERSION__}};
    metric.gauge.value = 1;
    family.metric.push_back(std::move(metric));
  }

  void add_series(MetricFamily& family, const stats::MetricRow& row, const stats::Snapshot& snapshot) const {
    // By label texts: two keys that read the same must not become two series.
    std::map<Labels, std::uint64_t> values;
    for (const stats::SeriesKey& key : known_keys(segment_, row)) values[labels_of(segment_, row, key, 0)] = 0;
    for (const stats::SeriesSum& sum : snapshot.series) {
      if (sum.key.metric != row.id || (sum.value == 0 && is_other(row, sum.key))) continue;
      // A certificate that is not used any more; its time would be 1970.
      if (row.id == Metric::TlsCertificateExpiry && sum.value == 0) continue;
      values[labels_of(segment_, row, sum.key, sum.slot)] += sum.value;
    }
    for (const auto& [labels, value] : values) {
      ClientMetric metric;
      metric.label = labels;
      // Gauges are sums of differences and may be negative for a moment.
      if (row.kind == Kind::Counter)
        metric.counter.value = scaled(static_cast<double>(value), row);
      else
        metric.gauge.value = scaled(static_cast<double>(static_cast<std::int64_t>(value)), row);
      family.metric.push_back(std::move(metric));
    }
  }

  void add_histograms(MetricFamily& family, const stats::MetricRow& row,
                      const stats::Snapshot& snapshot) const {
    std::map<Labels, stats::HistogramSum> values;
    for (const stats::SeriesKey& key : known_keys(segment_, row)) values[labels_of(segment_, row, key, 0)] = {};
    for (const stats::HistogramSum& sum : snapshot.histograms) {
      const bool used = std::ranges::any_of(sum.buckets, [](std::uint64_t count) { return count > 0; });
      if (sum.key.metric != row.id || (!used && is_other(row, sum.key))) continue;
      stats::HistogramSum& total = values[labels_of(segment_, row, sum.key, 0)];
      total.sum += sum.sum;
      for (std::size_t i = 0; i < sum.buckets.size(); ++i) total.buckets[i] += sum.buckets[i];
    }
    for (const auto& [labels, total] : values) family.metric.push_back(histogram_metric(labels, row, total));
  }

  ClientMetric histogram_metric(const Labels& labels, const stats::MetricRow& row,
                                const stats::HistogramSum& total) const {
    ClientMetric metric;
    metric.label = labels;
    metric.histogram.sample_sum = scaled(static_cast<double>(total.sum), row);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < total.buckets.size(); ++i) {
      cumulative += total.buckets[i];
      const bool last = i == bounds_.size() || bounds_[i] == stats::kNoBound;
      metric.histogram.bucket.push_back(
          {cumulative, last ? HUGE_VAL : scaled(static_cast<double>(bounds_[i]), row)});
      if (last) break;
    }
    metric.histogram.sample_count = cumulative;
    return metric;
  }

  static void add_figure(std::vector<MetricFamily>& families, const char* name, const char* help,
                         MetricType type, std::optional<double> value) {
    if (!value) return;
    ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
    families.push_back({name, help, type, {metric}});
  }

  static std::optional<double> real(std::optional<std::uint64_t> value) {
    return value ? std::optional<double>(static_cast<double>(*value)) : std::nullopt;
  }

  void add_process_figures(std::vector<MetricFamily>& families, const stats::Snapshot& snapshot) const {
    const stats::SeatState& master = segment_.seat_state(stats::kMasterSeat);
    const ProcessFigures figures = read_process_figures(master.pid.load(), snapshot.processes);
    add_figure(families, "process_cpu_seconds_total", "CPU time of master and workers, dead workers included.",
               MetricType::Counter, figures.cpu_seconds);
    add_figure(families, "process_resident_memory_bytes",
               "Resident memory of master and workers; shared pages count in each.", MetricType::Gauge,
               real(figures.resident_bytes));
    add_figure(families, "process_open_fds", "Open descriptors of master and workers.", MetricType::Gauge,
               real(figures.open_descriptors));
    add_figure(families, "process_max_fds", "Descriptors that master and workers may open.", MetricType::Gauge,
               real(figures.most_descriptors));
    add_figure(families, "process_start_time_seconds", "Unix time at which the master started.",
               MetricType::Gauge, static_cast<double>(master.started.load()) / 1e9);
  }

  const stats::Segment& segment_;
  const stats::BucketBounds bounds_ = segment_.bucket_bounds();
};

}  // namespace

std::string prometheus_text(const stats::Segment& segment) {
  return prometheus::TextSerializer().Serialize(StatsCollector(segment).Collect());
}

}  // namespace holdfast::admin
