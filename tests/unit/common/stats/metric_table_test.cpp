#include "common/stats/metric_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace holdfast::stats {
namespace {

bool in_words(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && std::ranges::all_of(text, fits);
}

TEST(MetricTable, NamesFollowTheRulesOfPrometheus) {
  std::set<std::string_view> names;
  for (const MetricRow& row : kMetrics) {
    EXPECT_TRUE(row.name.starts_with("holdfast_") && in_words(row.name)) << row.name;
    EXPECT_EQ(row.name.ends_with("_total"), row.kind == Kind::Counter) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " twice";
    for (const char* reserved : {"_count", "_sum", "_bucket", "_ms", "_milliseconds"})
      EXPECT_FALSE(row.name.ends_with(reserved)) << row.name;
  }
}

TEST(MetricTable, MetricsInSecondsAreStoredInNanoseconds) {
  for (const MetricRow& row : kMetrics) {
    // A certificate without an end is valid until the year 9999, which 64 bits of nanoseconds do not reach.
    const bool stored =
        row.name.find("_seconds") != std::string_view::npos && row.id != Metric::TlsCertificateExpiry;
    EXPECT_EQ(stored, row.scale == kNanoseconds) << row.name;
  }
}

TEST(MetricTable, HelpIsOneSentenceThatNeedsNoEscapes) {
  for (const MetricRow& row : kMetrics) {
    EXPECT_EQ(row.help.find_first_of("\n\\"), std::string_view::npos) << row.name;
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
  }
}

TEST(MetricTable, EveryLabelValueHasItsOwnWord) {
  for (const MetricRow& row : kMetrics) {
    for (const Label label : row.labels) {
      EXPECT_EQ(label == Label::None, label_name(label).empty());
      std::set<std::string_view> words;
      for (std::uint32_t value = 0; value < label_count(label); ++value) {
        EXPECT_FALSE(label_text(label, value).empty()) << label_name(label) << ' ' << value;
        EXPECT_TRUE(words.insert(label_text(label, value)).second) << label_text(label, value);
      }
      EXPECT_EQ(label_text(label, label_count(label)), "");
    }
  }
}

TEST(MetricTable, LabelNamesOfOneMetricDiffer) {
  for (const MetricRow& row : kMetrics) {
    std::set<std::string_view> names;
    for (const Label label : row.labels) {
      if (label == Label::None) continue;
      EXPECT_TRUE(names.insert(label_name(label)).second) << row.name;
    }
  }
}

TEST(MetricTable, BucketsRise) {
  EXPECT_TRUE(std::ranges::is_sorted(kBucketBounds));
}

}  // namespace
}  // namespace holdfast::stats
