// Metrics of a handler's own, shown at /metrics beside the server's. Declared in the handler's constructor:
//
//   class Shop final : public holdfast::api::Handler {
//    public:
//     explicit Shop(holdfast::api::Setup& setup)
//         : orders_(setup.metrics().counters({.name = "shop_orders_total",
//                                             .help = "Orders taken.",
//                                             .labels = {"payment"}})),
//           waiting_(setup.metrics().gauge({.name = "shop_waiting", .help = "Customers that wait."})) {}
//     void handle(holdfast::api::Exchange& exchange) override { orders_.of("card").add(); ... }
//
// Each series also has the label `route`. An increment is a load and a store in memory that all workers share:
// no lock, no allocation, no system call. Counters and histograms never fall, whatever happens to a worker.
// They belong to the thread of the event loop: work for a pool counts in done(), not in run().
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace holdfast::api {

/// Of one metric; read while it is declared only.
struct MetricRow {
  /// [a-zA-Z_:][a-zA-Z0-9_:]*, at most 127 characters, with the unit at the end ("shop_wait_seconds"). A
  /// counter ends in "_total", nothing else does, nor in "_count", "_sum" or "_bucket"; "holdfast_" and
  /// "process_" are the server's. Modules that declare the same name declare the same metric: all else must
  /// then be equal.
  std::string_view name;
  /// One sentence, at most 255 bytes.
  std::string_view help;
  /// Names of at most two labels, [a-zA-Z_][a-zA-Z0-9_]*; not "route", "le", "quantile".
  std::array<std::string_view, 2> labels{};
  /// Of a histogram: upper bounds of its buckets, rising, 1 to 32 of them; +Inf is added.
  std::span<const double> buckets{};
};

/// Thrown when a metric cannot be declared so. Let it pass: `holdfast check` and the reload show it.
class MetricError : public std::runtime_error {
 public:
  explicit MetricError(const std::string& problem) : std::runtime_error(problem) {}
};

/// Where the numbers of one series are: the first is a double, those of a histogram's buckets are counts.
struct MetricWords {
  std::atomic<std::uint64_t>* words = nullptr;
  std::span<const double> bounds{};
};

namespace detail {

inline double metric_value(const std::atomic<std::uint64_t>& word) {
  return std::bit_cast<double>(word.load(std::memory_order_relaxed));
}
inline void set_metric(std::atomic<std::uint64_t>& word, double value) {
  word.store(std::bit_cast<std::uint64_t>(value), std::memory_order_relaxed);
}
inline bool is_finite(double value) {
  return value >= std::numeric_limits<double>::lowest() && value <= std::numeric_limits<double>::max();
}

}  // namespace detail

/// One series of a counter. Cheap to copy; lives as long as the handler.
class Counter {
 public:
  explicit Counter(const MetricWords& series) : word_(series.words) {}
  /// Nothing happens when `n` is negative or not a finite number: a counter only rises.
  void add(double n = 1) const {
    if (n > 0 && detail::is_finite(n)) detail::set_metric(*word_, detail::metric_value(*word_) + n);
  }

 private:
  std::atomic<std::uint64_t>* word_;
};

/// One series of a gauge. What is shown is the sum over all workers; the share of a worker that has ended is
/// gone.
class Gauge {
 public:
  explicit Gauge(const MetricWords& series) : word_(series.words) {}
  /// This worker's share. What is not a finite number is left out, here and below.
  void set(double value) const {
    if (detail::is_finite(value)) detail::set_metric(*word_, value);
  }
  void add(double n = 1) const { set(detail::metric_value(*word_) + n); }
  void subtract(double n = 1) const { add(-n); }

 private:
  std::atomic<std::uint64_t>* word_;
};

/// One series of a histogram.
class Histogram {
 public:
  explicit Histogram(const MetricWords& series) : series_(series) {}
  /// A value that is not a finite number is left out. Negative values would let the sum fall; they are left out
  /// too.
  void observe(double value) const {
    if (!(value >= 0) || !detail::is_finite(value)) return;
    std::size_t bucket = 0;
    while (bucket < series_.bounds.size() && value > series_.bounds[bucket]) ++bucket;
    std::atomic<std::uint64_t>& count = series_.words[1 + bucket];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    detail::set_metric(*series_.words, detail::metric_value(*series_.words) + value);
  }

 private:
  MetricWords series_;
};

/// What the server keeps of a declared metric.
class MetricFamily {
 public:
  virtual MetricWords series(std::string_view first, std::string_view second) = 0;

 protected:
  ~MetricFamily() = default;
};

/// A metric with labels. Their values come from a small set (a method, an outcome), never from what clients
/// make up: 64 combinations are kept for a route, all others are counted with "other" as every value. A value
/// is cut at 63 bytes.
template <class Series>
class Labelled {
 public:
  explicit Labelled(MetricFamily& family) : family_(&family) {}
  /// The series with these values, in the order of the labels. A search among at most 64; keep what it answers
  /// where that matters.
  Series of(std::string_view first, std::string_view second = {}) const {
    return Series(family_->series(first, second));
  }

 private:
  MetricFamily* family_;
};

/// Declares. All of it throws MetricError, and lives as long as the handler. To be used in the constructor
/// only.
class Metrics {
 public:
  Counter counter(const MetricRow& row) { return plain<Counter>(Kind::Counter, row); }
  Gauge gauge(const MetricRow& row) { return plain<Gauge>(Kind::Gauge, row); }
  Histogram histogram(const MetricRow& row) { return plain<Histogram>(Kind::Histogram, row); }
  Labelled<Counter> counters(const MetricRow& row) { return labelled<Counter>(Kind::Counter, row); }
  Labelled<Gauge> gauges(const MetricRow& row) { return labelled<Gauge>(Kind::Gauge, row); }
  Labelled<Histogram> histograms(const MetricRow& row) { return labelled<Histogram>(Kind::Histogram, row); }

 protected:
  enum class Kind : std::uint8_t { Counter, Gauge, Histogram };
  virtual MetricFamily& declare(Kind kind, const MetricRow& row) = 0;
  ~Metrics() = default;

 private:
  static MetricError wrong(const MetricRow& row, const char* problem) {
    return MetricError("metric `" + std::string(row.name) + "`: " + problem);
  }
  template <class Series>
  Series plain(Kind kind, const MetricRow& row) {
    if (!row.labels[0].empty()) throw wrong(row, "has labels: declare it by the function in the plural");
    return Series(declare(kind, row).series({}, {}));
  }
  template <class Series>
  Labelled<Series> labelled(Kind kind, const MetricRow& row) {
    if (row.labels[0].empty()) throw wrong(row, "has no labels: declare it by the function in the singular");
    return Labelled<Series>(declare(kind, row));
  }
};

}  // namespace holdfast::api
