#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <set>

#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

TEST(metrics, answer_while_every_worker_is_stopped) {
  ServerConfig config;
  config.process = "hang_timeout: 60s";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(get(server.port(), "/fixed").ok());
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 2u);
  for (const pid_t pid : workers) ::kill(pid, SIGSTOP);
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_TRUE(metrics.ok);
  EXPECT_EQ(metrics.sum("holdfast_http_requests_total"), 5);
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200);
  EXPECT_EQ(get(server.admin_port(), "/status").status, 200);
  for (const pid_t pid : workers) ::kill(pid, SIGCONT);
  EXPECT_TRUE(get(server.port(), "/fixed").ok());
}

TEST(metrics, have_the_bounds_that_the_configuration_names) {
  ServerConfig config;
  config.more = "metrics: {buckets: [250us, 60s]}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get(server.port(), "/fixed").ok());
  std::set<std::string> bounds;
  double below_a_minute = 0;
  for (const auto& [name, value] : scrape(server.admin_port()).series) {
    if (!name.starts_with("holdfast_http_request_duration_seconds_bucket{")) continue;
    const std::size_t at = name.find("le=\"") + 4;
    bounds.insert(name.substr(at, name.find('"', at) - at));
    if (name.find("le=\"60\"") != std::string::npos) below_a_minute += value;
  }
  EXPECT_EQ(bounds, (std::set<std::string>{"0.00025", "60", "+Inf"}));
  EXPECT_EQ(below_a_minute, 3);
}

TEST(metrics, have_the_media_type_and_the_families_of_the_contract) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  ASSERT_TRUE(get(server.port(), "/fixed").ok());
  const Response response = get(server.admin_port(), "/metrics");
  EXPECT_THAT(response.field("content-type"), HasSubstr("text/plain"));
  EXPECT_THAT(response.field("content-type"), HasSubstr("version=0.0.4"));
  for (const char* family : {"holdfast_build_info",
                             "holdfast_start_time_seconds",
                             "holdfast_generation",
                             "holdfast_config_reloads_total",
                             "holdfast_config_last_reload_successful",
                             "holdfast_workers",
                             "holdfast_worker_exits_total",
                             "holdfast_worker_requests_total",
                             "holdfast_worker_connections",
                             "holdfast_event_loop_busy_seconds_total",
                             "holdfast_event_loop_lag_seconds",
                             "holdfast_connections_accepted_total",
                             "holdfast_connections",
                             "holdfast_connections_refused_total",
                             "holdfast_http_requests_total",
                             "holdfast_http_request_duration_seconds",
                             "holdfast_http_request_bytes_total",
                             "holdfast_http_response_bytes_total",
                             "holdfast_http_bad_requests_total",
                             "holdfast_log_lines_dropped_total"})
    EXPECT_THAT(response.body, HasSubstr("# TYPE " + std::string(family) + " "));
}

TEST(metrics, are_clean_for_promtool) {
  if (run_command({"promtool", "--version"}).code() != 0) GTEST_SKIP() << "promtool is not installed";
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  for (const char* target : {"/", "/fixed", "/missing", "/api/hello"})
    ASSERT_TRUE(get(server.port(), target).ok());
  Client(server.port()).send("nonsense\r\n\r\n");
  const std::string file = server.dir().write("metrics.txt", get(server.admin_port(), "/metrics").body);
  const CommandResult result = run_command({"sh", "-c", "promtool check metrics < '" + file + "'"});
  EXPECT_EQ(result.code(), 0) << result.out << result.err;
  EXPECT_EQ(result.out + result.err, "");
}

TEST(metrics, pages_of_the_admin_listener_are_there) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  for (const char* page : {"/", "/metrics", "/healthz", "/readyz", "/status"})
    EXPECT_EQ(get(server.admin_port(), page).status, 200) << page;
  EXPECT_EQ(get(server.port(), "/metrics").status, 404) << "never on a public listener unless a route says so";
}

}  // namespace
}  // namespace holdfast::support
