#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/process/test_modules.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

ServerConfig with_measured(const std::string& settings = "", const std::string& more = "") {
  ServerConfig config;
  config.workers = 2;
  config.files["measured.so"] = module_bytes("measured.so");
  config.routes =
      "      - path: /m/{what}\n        module: {file: measured.so, settings: {" + settings + "}}\n" + more;
  return config;
}

double counted(const ServerProcess& server, std::string_view name,
               const std::vector<std::string>& having = {}) {
  return scrape(server.admin_port()).sum(name, having);
}

TEST(handler_metrics, are_exported_with_the_others) {
  ServerProcess server(with_measured());
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(scrape(server.admin_port()).series.count("measured_all_total{route=\"/m/{what}\"}"), 1u)
      << "there before anything is counted";
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(get(server.port(), "/m/a?from=me").ok());
  ASSERT_TRUE(get(server.port(), "/m/longer").ok());
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.series.at("measured_calls_total{route=\"/m/{what}\",what=\"a\",from=\"me\"}"), 10);
  EXPECT_EQ(metrics.series.at("measured_calls_total{route=\"/m/{what}\",what=\"longer\",from=\"nobody\"}"), 1);
  EXPECT_EQ(metrics.sum("measured_all_total"), 11);
  EXPECT_EQ(metrics.series.at("measured_size_bytes_bucket{route=\"/m/{what}\",le=\"1\"}"), 10);
  EXPECT_EQ(metrics.series.at("measured_size_bytes_bucket{route=\"/m/{what}\",le=\"+Inf\"}"), 11);
  EXPECT_EQ(metrics.sum("measured_size_bytes_sum"), 16);
  EXPECT_EQ(metrics.types.at("measured_size_bytes"), "histogram");
  EXPECT_EQ(metrics.types.at("measured_level"), "gauge");
  EXPECT_THAT(metrics.text, HasSubstr("# HELP measured_calls_total Calls of \\\\ the handler.\n"));
}

TEST(handler_metrics, never_fall_through_reloads_and_crashes) {
  ServerProcess server(with_measured());
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 2, .target = "/m/load"});
  Scrape last = scrape(server.admin_port());
  const auto look = [&] {
    Scrape now = scrape(server.admin_port());
    EXPECT_THAT(fallen(last, now), ::testing::IsEmpty());
    last = std::move(now);
  };
  for (int round = 0; round < 6; ++round) {
    const std::size_t mark = server.log().mark();
    if (round % 2 == 0) {
      ASSERT_EQ(server.reload().event, "reload complete");
    } else {
      EXPECT_FALSE(get(server.port(), "/m/crash").ok());
      ASSERT_TRUE(server.log().wait_event("worker ended", mark, 10s));
    }
    for (int i = 0; i < 20; ++i) look();
  }
  load.stop();
  EXPECT_TRUE(eventually(10s, [&] {
    look();
    return counted(server, "measured_all_total") >= static_cast<double>(load.outcomes().ok());
  }));
  EXPECT_EQ(counted(server, "measured_all_total"), counted(server, "measured_calls_total"));
}

TEST(handler_metrics, of_labels_that_clients_make_up_are_bounded) {
  ServerProcess server(with_measured());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(client.get("/m/a?from=" + std::to_string(i)).ok());
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.sum("measured_calls_total"), 300);
  EXPECT_EQ(metrics.sum("measured_calls_total", {"from=\"other\"", "what=\"other\""}), 300 - 64);
}

TEST(handler_metrics, are_clean_for_promtool) {
  if (run_command({"promtool", "--version"}).code() != 0) GTEST_SKIP() << "promtool is not installed";
  ServerProcess server(with_measured());
  ASSERT_TRUE(server.ready());
  ASSERT_TRUE(get(server.port(), "/m/a%22b%5C?from=%0A").ok());
  const std::string file = server.dir().write("metrics", scrape(server.admin_port()).text);
  const CommandResult result = run_command({"sh", "-c", "promtool check metrics < '" + file + "'"});
  EXPECT_EQ(result.code(), 0) << result.err << result.out;
  EXPECT_EQ(result.err + result.out, "");
}

struct Refusal {
  const char* name;
  const char* settings;
  const char* more;
  const char* reason;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}
class RefusedMetrics : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedMetrics, fail_check_and_reload_while_the_old_workers_serve) {
  ServerProcess server(with_measured());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker cannot start", "worker ended", "reload problem", "reload refused"})
    server.allow(event);
  ASSERT_TRUE(get(server.port(), "/m/a").ok());
  server.write_config(with_measured(GetParam().settings, GetParam().more));
  const CommandResult check = run_command({holdfast_binary(), "check", "-c", server.config_file()});
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.err, AllOf(HasSubstr("holdfast.yaml:"), HasSubstr("measured.so: route /"),
                               HasSubstr(GetParam().reason)));
  const std::size_t mark = server.log().mark();
  EXPECT_EQ(server.reload().event, "reload refused");
  const auto line = server.log().wait_event("reload problem", mark, 10s);
  ASSERT_TRUE(line);
  EXPECT_THAT(line->field("problem"), HasSubstr(GetParam().reason));
  EXPECT_EQ(counted(server, "measured_all_total"), 1);
  EXPECT_EQ(get(server.port(), "/m/a").status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    are_refused, RefusedMetrics,
    ::testing::Values(
        Refusal{"bad_name", "more: a-b_total", "",
                "route /m/{what}: metric `a-b_total`: the name must be made of letters"},
        Refusal{"of_the_server", "more: holdfast_x_total", "",
                "metric `holdfast_x_total`: names that begin with holdfast_ are the server's"},
        Refusal{"no_total", "more: extra", "", "metric `extra`: the name of a counter must end in _total"},
        Refusal{"differently", "otherwise: true", "",
                "metric `measured_level`: is declared with other labels for "},
        Refusal{
            "other_help", "more: x_total",
            "      - path: /n/{what}\n        module: {file: measured.so, settings: {more: x_total, help: "
            "No.}}\n",
            "route /n/{what}: metric `x_total`: is declared with another help text for the route /m/{what}"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::support
