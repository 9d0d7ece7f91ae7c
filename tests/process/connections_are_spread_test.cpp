// How evenly connections are spread over the workers, drawn by the kernel and balanced by load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr int kWorkers = 4;
constexpr int kClients = 200;

ServerConfig balanced_by(const std::string& how, int workers = kWorkers) {
  ServerConfig config;
  config.workers = workers;
  config.process = "balance: " + how;
  return config;
}

/// Clients that stay.
class Crowd {
 public:
  explicit Crowd(const ServerProcess& server, int size = kClients) {
    for (int i = 0; i < size; ++i) {
      clients_.push_back(std::make_unique<Client>(server.port()));
      EXPECT_EQ(clients_.back()->get("/fixed").status, 200);
    }
  }

 private:
  std::vector<std::unique_ptr<Client>> clients_;
};

std::vector<double> by_worker(const ServerProcess& server, const std::string& metric, int workers = kWorkers) {
  const Scrape metrics = scrape(server.admin_port());
  std::vector<double> values;
  for (int worker = 0; worker < workers; ++worker)
    values.push_back(metrics.sum(metric, {"worker=\"" + std::to_string(worker) + "\""}));
  return values;
}

double spread(const std::vector<double>& values) {
  return *std::ranges::max_element(values) - *std::ranges::min_element(values);
}

/// Without the right to it the server says so once and serves as before.
bool is_not_permitted(ServerProcess& server) {
  const std::vector<LogLine> lines = server.log().lines();
  const auto told = [](const LogLine& line) { return line.event == "connections not balanced by load"; };
  if (std::ranges::none_of(lines, told)) return false;
  server.allow("connections not balanced by load");
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  return true;
}

TEST(balance, by_the_kernel_reaches_every_worker_and_is_shown) {
  ServerProcess server(balanced_by("kernel"));
  ASSERT_TRUE(server.ready());
  const Crowd crowd(server);
  const std::vector<double> accepted = by_worker(server, "holdfast_worker_connections_accepted_total");
  double sum = 0;
  for (const double count : accepted) {
    EXPECT_GT(count, 0);
    sum += count;
  }
  EXPECT_EQ(sum, kClients);
  EXPECT_EQ(by_worker(server, "holdfast_worker_connections"), accepted);
  RecordProperty("spread", std::to_string(spread(accepted)));
  std::printf("kernel: %.0f of %d connections between the fullest and the emptiest of %d workers\n",
              spread(accepted), kClients, kWorkers);
}

TEST(balance, by_connections_is_even) {
  ServerProcess server(balanced_by("least_connections"));
  ASSERT_TRUE(server.ready());
  if (is_not_permitted(server)) GTEST_SKIP() << "no right to load the program";
  const Crowd crowd(server);
  const std::vector<double> open = by_worker(server, "holdfast_worker_connections");
  // Each of two: the difference stays at a handful, where chance alone makes it some dozens.
  EXPECT_LE(spread(open), 8);
  std::printf("least_connections: %.0f\n", spread(open));
}

TEST(balance, by_connections_fills_up_a_worker_that_has_few) {
  ServerProcess server(balanced_by("least_connections", 2));
  ASSERT_TRUE(server.ready());
  if (is_not_permitted(server)) GTEST_SKIP() << "no right to load the program";
  server.allow("worker ended");
  const Crowd before(server, 60);
  // The new worker of that slot has none.
  kill(server.workers().front(), SIGKILL);
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  // It has said so after its first turn. By chance alone it would stay some 30 behind.
  get(server.port(), "/fixed");
  const Crowd after(server, 30);
  EXPECT_TRUE(eventually(10s, [&] { return spread(by_worker(server, "holdfast_worker_connections", 2)) <= 8; }))
      << ::testing::PrintToString(by_worker(server, "holdfast_worker_connections", 2));
}

TEST(balance, by_connections_loses_none_when_workers_change_and_can_be_left_again) {
  ServerProcess server(balanced_by("least_connections"));
  ASSERT_TRUE(server.ready());
  if (is_not_permitted(server)) GTEST_SKIP() << "no right to load the program";
  Load keep_alive(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
  Load flood(server.port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/fixed"});
  for (const int workers : {2, 5, 1, 3}) {
    server.write_config(balanced_by("least_connections", workers));
    ASSERT_EQ(server.reload().event, "reload complete");
  }
  server.write_config(balanced_by("kernel", 3));
  ASSERT_EQ(server.reload().event, "reload complete");
  server.write_config(balanced_by("least_connections", 3));
  ASSERT_EQ(server.reload().event, "reload complete");
  ASSERT_EQ(server.upgrade().event, "upgrade complete");
  keep_alive.stop();
  flood.stop();
  EXPECT_EQ(keep_alive.outcomes().failed(), 0u) << keep_alive.outcomes().text();
  EXPECT_EQ(flood.outcomes().failed(), 0u) << flood.outcomes().text();
  ASSERT_TRUE(eventually(10s, [&] { return server.processes().size() == 4; }));
  const Crowd crowd(server);
  EXPECT_LE(spread(by_worker(server, "holdfast_worker_connections", 3)), 8);
}

}  // namespace
}  // namespace holdfast::support
