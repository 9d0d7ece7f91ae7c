#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

// Everything an administrator looks at says that the reload failed, while the old generation serves on.
void expect_refused(ServerProcess& server, const std::vector<pid_t>& workers, const std::string& reason) {
  server.allow("reload refused");
  server.allow("reload problem");
  const std::size_t mark = server.log().mark();
  const LogLine outcome = server.reload();
  ASSERT_EQ(outcome.event, "reload refused") << outcome.raw;
  std::string told;
  for (const LogLine& line : server.log().lines(mark)) told += line.raw + '\n';
  EXPECT_THAT(told, HasSubstr(reason));
  EXPECT_EQ(server.workers(), workers);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  // The pages show what happened a moment ago.
  Scrape metrics;
  EXPECT_TRUE(eventually(5s, [&] {
    metrics = scrape(server.admin_port());
    return metrics.sum("holdfast_config_reloads_total", {"failure"}) == 1;
  }));
  EXPECT_EQ(metrics.sum("holdfast_generation"), 1);
  EXPECT_EQ(metrics.sum("holdfast_config_last_reload_successful"), 0);
  EXPECT_THAT(get(server.admin_port(), "/status").body, HasSubstr(reason));
}

// Back to a good file: the refusal has left nothing behind that would spoil the next reload.
void expect_recovers(ServerProcess& server, const ServerConfig& config) {
  server.write_config(config);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_TRUE(eventually(
      5s, [&] { return scrape(server.admin_port()).sum("holdfast_config_last_reload_successful") == 1; }));
}

TEST(reload_refused, a_file_with_mistakes_changes_nothing) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  server.allow("reload problem");
  server.write_config("process:\n  workes: 3\nlisteners: {http: {bind: \"nonsense\"}}\n");
  expect_refused(server, workers, "2:3");
  expect_recovers(server, config);
}

TEST(reload_refused, a_missing_file_changes_nothing) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  server.allow("reload problem");
  std::filesystem::remove(server.config_file());
  expect_refused(server, workers, "holdfast.yaml");
  expect_recovers(server, config);
}

TEST(reload_refused, a_taken_port_changes_nothing) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  const TakenPort taken;
  ServerConfig wrong = config;
  wrong.listeners += "  second: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
  server.write_config(wrong);
  expect_refused(server, workers, std::to_string(taken.port()));
  expect_recovers(server, config);
}

TEST(reload_refused, a_missing_document_root_changes_nothing) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  server.allow("reload problem");
  server.allow("worker cannot start");
  server.allow("worker ended");
  ServerConfig wrong = config;
  wrong.root = server.dir() / "nowhere";
  server.write_config(wrong);
  expect_refused(server, workers, "nowhere");
  expect_recovers(server, config);
}

TEST(reload_refused, a_setting_that_needs_a_restart_is_named) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  ServerConfig wrong = config;
  wrong.process = "pid_file: \"" + (server.dir() / "other.pid") + "\"";
  server.write_config(wrong);
  expect_refused(server, workers, "pid_file");
  expect_recovers(server, config);
}

TEST(reload_refused, under_load_loses_nothing) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("reload refused");
  server.allow("reload problem");
  server.allow("worker cannot start");
  server.allow("worker ended");
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
  const TakenPort taken;
  for (int i = 0; i < 4; ++i) {
    server.write_config("nonsense: [");
    EXPECT_EQ(server.reload().event, "reload refused");
    ServerConfig wrong = config;
    wrong.listeners += "  second: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
    server.write_config(wrong);
    EXPECT_EQ(server.reload().event, "reload refused");
    server.write_config(config);
    EXPECT_EQ(server.reload().event, "reload complete");
  }
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text() << '\n' << describe(load.failures());
}

}  // namespace
}  // namespace holdfast::support
