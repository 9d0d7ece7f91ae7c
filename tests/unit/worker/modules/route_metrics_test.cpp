#include "worker/modules/route_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/stats/declared_reader.h"

namespace holdfast::modules {
namespace {

using api::MetricRow;
using stats::Kind;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kBounds[] = {0.1, 1};
constexpr double kFalling[] = {1, 0.1};
constexpr double kEndless[] = {1, std::numeric_limits<double>::infinity()};
constexpr double kMany[stats::kMostBounds + 1] = {};

struct Mistake {
  const char* name;
  Kind kind;
  MetricRow row;
  const char* problem;
};
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}
class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreTold) {
  EXPECT_THAT(problem_of(GetParam().kind, GetParam().row), HasSubstr(GetParam().problem));
}

const std::string kLongName = std::string(130, 'n') + "_total";
const std::string kLongHelp(256, 'h');
const std::string kLongLabel(64, 'l');

INSTANTIATE_TEST_SUITE_P(
    OfDeclarations, Mistakes,
    ::testing::Values(
        Mistake{"no_name", Kind::Counter, {"", "H."}, "the name must be made of letters"},
        Mistake{"digit", Kind::Counter, {"9_total", "H."}, "not begin with a digit"},
        Mistake{"dash", Kind::Counter, {"a-b_total", "H."}, "the name must be made of letters"},
        Mistake{"line", Kind::Counter, {"a\n_total", "H."}, "the name must be made of letters"},
        Mistake{"long_name", Kind::Counter, {kLongName, "H."}, "longer than 127"},
        Mistake{"ours", Kind::Counter, {"holdfast_x_total", "H."}, "begin with holdfast_"},
        Mistake{"process", Kind::Gauge, {"process_open_fds", "H."}, "begin with process_"},
        Mistake{"no_total", Kind::Counter, {"a", "H."}, "must end in _total"},
        Mistake{"gauge_total", Kind::Gauge, {"a_total", "H."}, "only the name of a counter"},
        Mistake{"gauge_count", Kind::Gauge, {"a_count", "H."}, "must not end in _count"},
        Mistake{"gauge_sum", Kind::Gauge, {"a_sum", "H."}, "must not end in _sum"},
        Mistake{"gauge_bucket", Kind::Gauge, {"a_bucket", "H."}, "must not end in _bucket"},
        Mistake{"no_help", Kind::Gauge, {"a", ""}, "help must be a sentence"},
        Mistake{"long_help", Kind::Gauge, {"a", kLongHelp}, "longer than 255"},
        Mistake{"help_of_two_lines", Kind::Gauge, {"a", "H.\nI."}, "one line of UTF-8"},
        Mistake{"help_not_utf8", Kind::Gauge, {"a", "\xff"}, "one line of UTF-8"},
        Mistake{"second_label_only", Kind::Gauge, {"a", "H.", {"", "b"}}, "the first of two labels"},
        Mistake{"equal_labels", Kind::Gauge, {"a", "H.", {"b", "b"}}, "the same name"},
        Mistake{"label_colon", Kind::Gauge, {"a", "H.", {"b:c"}}, "label `b:c`: the name must be made"},
        Mistake{
            "label_route", Kind::Gauge, {"a", "H.", {"b", "route"}}, "label `route`: this name has a meaning"},
        Mistake{"label_le", Kind::Gauge, {"a", "H.", {"le"}}, "label `le`"},
        Mistake{"label_reserved", Kind::Gauge, {"a", "H.", {"__b"}}, "label `__b`"},
        Mistake{"long_label", Kind::Gauge, {"a", "H.", {kLongLabel}}, "longer than 63"},
        Mistake{"gauge_buckets", Kind::Gauge, {"a", "H.", {}, kBounds}, "only a histogram has buckets"},
        Mistake{"no_buckets", Kind::Histogram, {"a", "H."}, "must have 1 to 32 buckets"},
        Mistake{"many_buckets", Kind::Histogram, {"a", "H.", {}, kMany}, "must have 1 to 32 buckets"},
        Mistake{"falling", Kind::Histogram, {"a", "H.", {}, kFalling}, "that rise"},
        Mistake{"endless", Kind::Histogram, {"a", "H.", {}, kEndless}, "that rise, without +Inf"}),
    [](const auto& info) { return info.param.name; });

class RouteMetricsTest : public ::testing::Test {
 protected:
  std::string thrown(const std::function<void()>& call) {
    try {
      call();
    } catch (const api::MetricError& error) {
      return error.what();
    }
    return {};
  }
  stats::DeclaredSum sum(std::string_view name, const std::array<std::string, 3>& values) {
    for (const stats::DeclaredFamily& family : stats::read_declared(segment))
      if (family.name == name && family.series.contains(values)) return family.series.at(values);
    return {-1, {}};
  }

  stats::Segment segment = std::move(stats::Segment::create()).value();
  stats::WorkerStats stats{segment, segment.claim_seat(0, 1)};
  DeclaredNames names{stats};
  const std::string file = "shop.so", other_file = "other.so";
  RouteMetrics shop{names, "/shop", file};
  RouteMetrics other{names, "/other", other_file};
};

TEST_F(RouteMetricsTest, CountThroughWhatHandlersHold) {
  const api::Counter visits = shop.counter({"visits_total", "H."});
  const api::Labelled<api::Counter> orders = shop.counters({"orders_total", "H.", {"by", "outcome"}});
  const api::Gauge open = shop.gauge({"open", "H."});
  const api::Histogram waits = shop.histogram({"wait_seconds", "H.", {}, kBounds});
  visits.add();
  visits.add(0.5);
  orders.of("card", "paid").add(2);
  orders.of("card", "paid").add();
  open.set(5);
  open.subtract(7);
  for (const double value : {0.1, 0.2, 1.0, 1.5}) waits.observe(value);
  EXPECT_EQ(sum("visits_total", {"/shop", "", ""}).value, 1.5);
  EXPECT_EQ(sum("orders_total", {"/shop", "card", "paid"}).value, 3);
  EXPECT_EQ(sum("open", {"/shop", "", ""}).value, -2);
  const stats::DeclaredSum waited = sum("wait_seconds", {"/shop", "", ""});
  EXPECT_DOUBLE_EQ(waited.value, 2.8);
  EXPECT_EQ(waited.buckets, (std::vector<std::uint64_t>{1, 2, 1})) << "a bound belongs to its bucket";
}

TEST_F(RouteMetricsTest, CountersNeitherFallNorTurnIntoNoNumber) {
  const api::Counter visits = shop.counter({"visits_total", "H."});
  const api::Histogram waits = shop.histogram({"wait_seconds", "H.", {}, kBounds});
  const api::Gauge open = shop.gauge({"open", "H."});
  visits.add(2);
  open.set(2);
  for (const double value : {-1.0, std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    visits.add(value);
    waits.observe(value);
    if (value != -1) open.add(value);
  }
  EXPECT_EQ(sum("visits_total", {"/shop", "", ""}).value, 2);
  EXPECT_EQ(sum("open", {"/shop", "", ""}).value, 2);
  EXPECT_EQ(sum("wait_seconds", {"/shop", "", ""}).buckets, (std::vector<std::uint64_t>{0, 0, 0}));
}

TEST_F(RouteMetricsTest, TwoRoutesShareANameWhenTheyMeanTheSame) {
  shop.counter({"visits_total", "H."}).add(1);
  other.counter({"visits_total", "H."}).add(2);
  EXPECT_EQ(sum("visits_total", {"/shop", "", ""}).value, 1);
  EXPECT_EQ(sum("visits_total", {"/other", "", ""}).value, 2);
}

TEST_F(RouteMetricsTest, WhoMeansSomethingElseIsRefused) {
  shop.gauges({"open", "H.", {"by"}});
  shop.histogram({"wait", "H.", {}, kBounds});
  const auto said = [&](const std::string& how) {
    return AllOf(HasSubstr("metric `"), HasSubstr(how), HasSubstr("for the route /shop by shop.so"));
  };
  EXPECT_THAT(thrown([&] { other.gauges({"open", "I.", {"by"}}); }), said("another help text"));
  EXPECT_THAT(thrown([&] { other.gauges({"open", "H.", {"of"}}); }), said("other labels"));
  EXPECT_THAT(thrown([&] { other.gauge({"open", "H."}); }), said("other labels"));
  EXPECT_THAT(thrown([&] { other.histograms({"open", "H.", {"by"}, kBounds}); }), said("as a gauge"));
  EXPECT_THAT(thrown([&] {
                other.histogram({"wait", "H.", {}, std::span(kBounds, 1)});
              }),
              said("other buckets"));
}

TEST_F(RouteMetricsTest, LabelsGoWithThePlural) {
  EXPECT_THAT(thrown([&] { shop.counter({"a_total", "H.", {"by"}}); }), HasSubstr("in the plural"));
  EXPECT_THAT(thrown([&] { shop.counters({"a_total", "H."}); }), HasSubstr("in the singular"));
}

TEST_F(RouteMetricsTest, NothingIsDeclaredWhenTheHandlerIsMade) {
  shop.close();
  EXPECT_THROW(shop.counter({"visits_total", "H."}), std::logic_error);
}

}  // namespace
}  // namespace holdfast::modules
