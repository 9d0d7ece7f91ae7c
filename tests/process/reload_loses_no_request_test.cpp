#include <gtest/gtest.h>
#include <signal.h>

#include <random>
#include <utility>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

const int kReloads = tested_is_sanitized() ? 15 : 100;
const int kChangesOfWorkers = tested_is_sanitized() ? 8 : 40;

TEST(reload, loses_no_request_of_busy_clients_and_of_a_connect_flood) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string hello = get(server.port(), "/fixed").body;
  Load keep_alive(server.port(),
                  {.kind = Load::Kind::KeepAlive, .threads = 8, .target = "/fixed", .body = hello});
  Load flood(server.port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/fixed", .body = hello});
  for (int i = 0; i < kReloads; ++i) {
    const LogLine outcome = server.reload();
    ASSERT_EQ(outcome.event, "reload complete") << "reload " << i << ": " << outcome.raw;
  }
  keep_alive.stop();
  flood.stop();
  EXPECT_EQ(keep_alive.outcomes().failed(), 0u) << keep_alive.outcomes().text() << '\n'
                                                << describe(keep_alive.failures());
  EXPECT_EQ(flood.outcomes().failed(), 0u) << flood.outcomes().text() << '\n' << describe(flood.failures());
  EXPECT_GT(keep_alive.outcomes().ok(), 20u * kReloads) << "the load was no load";
  EXPECT_GT(flood.outcomes().ok(), 2u * kReloads) << "the load was no load";
  RecordProperty("keep_alive", keep_alive.outcomes().text());
  RecordProperty("flood", flood.outcomes().text());
}

TEST(reload, raises_the_generation_and_replaces_every_worker) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> before = server.workers();
  ASSERT_EQ(before.size(), 2u);
  ASSERT_EQ(server.reload().event, "reload complete");
  for (const pid_t pid : before) EXPECT_TRUE(wait_until_gone(pid, 10s)) << pid;
  EXPECT_EQ(server.workers().size(), 2u);
  EXPECT_TRUE(eventually(5s, [&] { return scrape(server.admin_port()).sum("holdfast_generation") == 2; }));
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.sum("holdfast_config_reloads_total", {"success"}), 1);
  EXPECT_EQ(metrics.sum("holdfast_config_last_reload_successful"), 1);
}

TEST(reload, serves_the_new_configuration_afterwards) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(get(server.port(), "/added").status, 404);
  config.routes = "      - {path: /added, respond: {status: 200, body: new}}\n";
  server.write_config(config);
  ASSERT_EQ(server.reload().event, "reload complete");
  // The old workers have just been told to go: what they had taken from the queue by then they still answer.
  EXPECT_TRUE(eventually(5s, [&] { return get(server.port(), "/added").body == "new"; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(server.port(), "/added").body, "new");
}

TEST(reload, opens_an_added_listener_and_closes_a_removed_one) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string first = config.listeners;
  config.listeners += "  second: {bind: \"127.0.0.1:0\"}\n";
  server.write_config(config);
  ASSERT_EQ(server.reload().event, "reload complete");
  const std::uint16_t second = server.port("second");
  EXPECT_EQ(get(second, "/fixed").status, 200);
  config.listeners = first;
  server.write_config(config);
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(eventually(10s, [&] { return Client(second).connected() == Outcome::ConnectRefused; }));
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(reload, changes_the_number_of_workers_without_losing_a_request) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Load keep_alive(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 8, .target = "/fixed"});
  Load flood(server.port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/fixed"});
  std::minstd_rand random(11);
  for (int i = 0; i < kChangesOfWorkers; ++i) {
    const int before = std::exchange(config.workers, static_cast<int>(1 + random() % 8));
    if (config.workers == before) config.workers = before % 8 + 1;
    server.write_config(config);
    ASSERT_EQ(server.reload().event, "reload complete");
  }
  const auto workers = static_cast<std::size_t>(config.workers);
  EXPECT_TRUE(eventually(20s, [&] { return server.workers().size() == workers; }));
  keep_alive.stop();
  flood.stop();
  EXPECT_EQ(keep_alive.outcomes().failed(), 0u) << keep_alive.outcomes().text() << '\n'
                                                << describe(keep_alive.failures());
  EXPECT_EQ(flood.outcomes().failed(), 0u) << flood.outcomes().text() << '\n' << describe(flood.failures());
}

TEST(reload, keeps_an_idle_connection_usable_for_one_more_request) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  ASSERT_EQ(client.get("/fixed").status, 200);
  ASSERT_EQ(server.reload().event, "reload complete");
  Response response;
  // The worker may not have heard of it yet; once it has, the next answer is the last.
  for (int i = 0; i < 1000 && !response.closes(); ++i) {
    response = client.get("/fixed");
    ASSERT_EQ(response.status, 200) << response;
  }
  EXPECT_TRUE(response.closes()) << response;
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok);
}

TEST(reload, several_at_once_end_in_one_that_serves_the_last_file) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (int i = 1; i <= 5; ++i) {
    config.routes = "      - {path: /version, respond: {status: 200, body: \"v" + std::to_string(i) + "\"}}\n";
    server.write_config(config);
    server.signal(SIGHUP);
  }
  EXPECT_TRUE(eventually(20s, [&] { return get(server.port(), "/version").body == "v5"; }));
  EXPECT_TRUE(eventually(10s, [&] { return server.processes().size() == 3; }))
      << "two workers and the admin process";
  // The stop at the end may meet the last of them, of a file that is served already.
  server.allow("reload problem");
  server.allow("reload refused");
}

}  // namespace
}  // namespace holdfast::support
