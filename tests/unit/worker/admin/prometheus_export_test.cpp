#include "worker/admin/prometheus_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/check_names.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/unit/worker/admin/sample_segment.h"

namespace holdfast::admin {
namespace {

using stats::Metric;
using ::testing::HasSubstr;
using ::testing::Not;

/// Series ("name{labels}") to value; fails on a series that is there twice.
std::map<std::string, double> series_of(const std::string& text) {
  std::map<std::string, double> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    EXPECT_TRUE(series.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
        << "twice: " << line;
  }
  return series;
}

class PrometheusExport : public ::testing::Test {
 protected:
  std::map<std::string, double> series() { return series_of(prometheus_text(sample.segment)); }
  SampleSegment sample;
};

TEST_F(PrometheusExport, SumsLiveAndDeadWorkersBySiteMethodAndCode) {
  sample.count(sample.first, sample.site, 200, 3);
  sample.count(sample.second, sample.site, 200, 4);
  sample.count(sample.second, sample.site, 404, 1);
  sample.segment.retire_seat(sample.second);
  const auto values = series();
  EXPECT_EQ(values.at("holdfast_http_requests_total{site=\"example.org\",method=\"GET\",code=\"200\"}"), 7);
  EXPECT_EQ(values.at("holdfast_http_requests_total{site=\"example.org\",method=\"GET\",code=\"404\"}"), 1);
  EXPECT_EQ(values.at("holdfast_worker_requests_total{worker=\"0\"}"), 3);
  EXPECT_EQ(values.at("holdfast_worker_requests_total{worker=\"1\"}"), 5);
}

TEST_F(PrometheusExport, WritesHistogramsCumulativeAndInSeconds) {
  sample.count(sample.first, sample.site, 200, 3);
  stats::WorkerStats(sample.segment, sample.first)
      .histogram(Metric::HttpRequestDuration, sample.site)
      .observe(20'000'000'000);
  const auto values = series();
  const std::string name = "holdfast_http_request_duration_seconds";
  const std::string site = "site=\"example.org\"";
  EXPECT_EQ(values.at(name + "_bucket{" + site + ",le=\"0.00025\"}"), 0);
  EXPECT_EQ(values.at(name + "_bucket{" + site + ",le=\"0.0005\"}"), 3);
  EXPECT_EQ(values.at(name + "_bucket{" + site + ",le=\"10\"}"), 3);
  EXPECT_EQ(values.at(name + "_bucket{" + site + ",le=\"+Inf\"}"), 4);
  EXPECT_EQ(values.at(name + "_count{" + site + "}"), 4);
  EXPECT_DOUBLE_EQ(values.at(name + "_sum{" + site + "}"), 20.0009);
}

TEST_F(PrometheusExport, StartsEveryKnownSeriesAtZero) {
  const auto values = series();
  for (const char* name :
       {"holdfast_http_requests_total{site=\"example.org\",method=\"GET\",code=\"200\"}",
        "holdfast_config_reloads_total{result=\"success\"}",
        "holdfast_config_reloads_total{result=\"failure\"}", "holdfast_worker_exits_total{reason=\"signal\"}",
        "holdfast_http_bad_requests_total{reason=\"head_timeout\"}",
        "holdfast_connections_refused_total{reason=\"descriptors\"}",
        "holdfast_connections_accepted_total{listener=\"http\"}",
        "holdfast_connections{listener=\"http\",state=\"idle\"}",
        "holdfast_http_response_bytes_total{site=\"example.org\"}",
        "holdfast_http_request_duration_seconds_count{site=\"example.org\"}",
        "holdfast_http_request_bytes_total", "holdfast_log_lines_dropped_total",
        "holdfast_worker_requests_total{worker=\"0\"}", "holdfast_event_loop_lag_seconds_count",
        "holdfast_worker_connections{worker=\"1\"}", "holdfast_event_loop_busy_seconds_total{worker=\"0\"}"}) {
    ASSERT_EQ(values.count(name), 1u) << name;
    EXPECT_EQ(values.at(name), 0) << name;
  }
}

TEST_F(PrometheusExport, ShowsOtherOnlyWhenSomethingWasCountedThere) {
  EXPECT_THAT(prometheus_text(sample.segment), Not(HasSubstr("\"other\"")));
  sample.count(sample.first, 0, 421, 1);
  const auto values = series();
  EXPECT_EQ(values.at("holdfast_http_requests_total{site=\"other\",method=\"GET\",code=\"421\"}"), 1);
  EXPECT_EQ(values.at("holdfast_http_request_duration_seconds_count{site=\"other\"}"), 1);
}

TEST_F(PrometheusExport, LeavesTheAdminProcessOut) {
  const auto before = series();
  sample.count(sample.admin, sample.site, 200, 10);
  const auto after = series();
  EXPECT_EQ(after.at("holdfast_http_requests_total{site=\"example.org\",method=\"GET\",code=\"200\"}"), 0);
  EXPECT_EQ(after.count("holdfast_worker_requests_total{worker=\"256\"}"), 0u);
  EXPECT_EQ(before.size(), after.size());
}

TEST_F(PrometheusExport, WritesLargeCountersToTheLastDigit) {
  stats::WorkerStats(sample.segment, sample.first).cell(Metric::HttpRequestBytes).add(4'503'599'627'370'497);
  EXPECT_THAT(prometheus_text(sample.segment),
              HasSubstr("\nholdfast_http_request_bytes_total 4503599627370497\n"));
}

TEST_F(PrometheusExport, TellsTimesInSecondsAndTheBuild) {
  const std::string text = prometheus_text(sample.segment);
  EXPECT_EQ(series_of(text).at("holdfast_start_time_seconds"), 1'800'000'000.5);
  EXPECT_THAT(text, HasSubstr("holdfast_build_info{version=\"0.1.0\",compiler=\""));
}

TEST_F(PrometheusExport, EscapesLabelValues) {
  const std::uint16_t odd = sample.segment.intern_site("a\"b\\c");
  sample.count(sample.first, odd, 200, 1);
  EXPECT_THAT(prometheus_text(sample.segment), HasSubstr("site=\"a\\\"b\\\\c\""));
}

TEST_F(PrometheusExport, UsesOnlyValidNames) {
  for (const auto& [name, value] : series())
    EXPECT_TRUE(prometheus::CheckMetricName(name.substr(0, name.find('{')))) << name;
  for (const stats::MetricRow& row : stats::kMetrics)
    for (const stats::Label label : row.labels)
      EXPECT_TRUE(label == stats::Label::None ||
                  prometheus::CheckLabelName(std::string(stats::label_name(label))));
}

TEST_F(PrometheusExport, SumsWhatTheKernelSaysAboutMasterAndWorkers) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  sample.segment.set_seat_pid(sample.first, static_cast<std::uint64_t>(child));
  const auto with_child = series();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto without = series();
  for (const char* name : {"process_resident_memory_bytes", "process_open_fds", "process_max_fds"}) {
    ASSERT_EQ(with_child.count(name), 1u) << name;
    ASSERT_EQ(without.count(name), 1u) << name;
    EXPECT_GT(with_child.at(name), without.at(name)) << name;
  }
  EXPECT_GE(without.at("process_cpu_seconds_total"), with_child.at("process_cpu_seconds_total"));
  EXPECT_GT(without.at("process_start_time_seconds"), 1.7e9);
}

TEST_F(PrometheusExport, CountsTheCpuTimeOfDeadWorkersOn) {
  // Hands over what the child counted only when it is waited for, which is when its own file goes.
  const auto cpu = [&] { return series().at("process_cpu_seconds_total"); };
  double before = cpu();
  for (int life = 0; life < 5; ++life) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::clock_t end = std::clock() + CLOCKS_PER_SEC / 20;
      while (std::clock() < end) {
      }
      ::_exit(0);
    }
    sample.segment.set_seat_pid(sample.first, static_cast<std::uint64_t>(child));
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    const double dead = cpu();
    EXPECT_GE(dead, before + 0.03);
    ::waitpid(child, nullptr, 0);
    before = cpu();
    EXPECT_GE(before, dead);
  }
}

TEST_F(PrometheusExport, IsCleanForPromtool) {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  sample.count(sample.first, sample.site, 200, 3);
  sample.count(sample.first, 0, 404, 1);
  std::string folder = (std::filesystem::temp_directory_path() / "holdfast-metrics-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/metrics") << prometheus_text(sample.segment);
  const std::string command = "promtool check metrics < " + folder + "/metrics > " + folder + "/said 2>&1";
  const int result = std::system(command.c_str());
  std::stringstream said;
  said << std::ifstream(folder + "/said").rdbuf();
  EXPECT_EQ(result, 0) << said.str();
  EXPECT_EQ(said.str(), "");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace holdfast::admin
