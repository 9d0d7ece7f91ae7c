#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr double kRate = 50;
constexpr double kBurst = 10;

ServerConfig four_workers() {
  ServerConfig config;
  config.workers = 4;
  config.routes =
      "      - {path: /limited, rate_limit: {rate: 50/s, burst: 10}, respond: {status: 200, body: x}}\n";
  return config;
}

struct Hammered {
  std::atomic<int> admitted{0};
  std::atomic<int> refused{0};
  std::atomic<int> without_retry_after{0};
  std::atomic<int> other{0};
  double seconds = 0;
};

// Thirty-two connections that ask as fast as they can until the first admission is two seconds ago; `meanwhile`
// happens beside it.
void hammer(std::uint16_t port, Hammered& result, const std::function<void()>& meanwhile = {}) {
  std::atomic<bool> stopping{false};
  const TimePoint begun = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i)
    threads.emplace_back([&] {
      while (!stopping) {
        Client client(port);
        for (bool open = true; open && !stopping;) {
          const Response response = client.get("/limited");
          open = response.ok() && !response.closes();
          if (response.status == 200) ++result.admitted;
          if (response.status == 429) ++result.refused;
          if (response.status == 429 && response.field("retry-after") != "1") ++result.without_retry_after;
          if (response.status != 200 && response.status != 429) ++result.other;
        }
      }
    });
  if (meanwhile) meanwhile();
  while (Clock::now() < begun + 2s) std::this_thread::yield();
  stopping = true;
  for (std::thread& thread : threads) thread.join();
  result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
}

void expect_exact(const Hammered& result) {
  const double allowed = kBurst + kRate * result.seconds;
  EXPECT_LE(result.admitted, allowed * 1.05 + 1) << result.seconds << " s";
  EXPECT_GE(result.admitted, allowed * 0.95 - 1) << result.seconds << " s";
  EXPECT_GT(result.refused, 0);
  EXPECT_EQ(result.without_retry_after, 0);
}

TEST(rate_limit, is_exact_over_all_workers_and_counted) {
  ServerProcess server(four_workers());
  ASSERT_TRUE(server.ready());
  server.allow("request refused by rate limit");
  Hammered result;
  hammer(server.port(), result);
  expect_exact(result);
  EXPECT_EQ(result.other, 0);
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_http_rate_limited_total", {"site=\"main\""}),
            result.refused.load());
  EXPECT_EQ(get(server.port(), "/fixed").status, 200) << "a route without a limit";
}

TEST(rate_limit, is_reset_neither_by_a_reload_nor_by_the_death_of_a_worker) {
  ServerProcess server(four_workers());
  ASSERT_TRUE(server.ready());
  server.allow("request refused by rate limit");
  server.allow("worker ended");
  Hammered result;
  hammer(server.port(), result, [&] {
    EXPECT_EQ(server.reload().event, "reload complete");
    const std::vector<pid_t> workers = server.workers();
    ASSERT_FALSE(workers.empty());
    const std::size_t mark = server.log().mark();
    ::kill(workers[0], SIGKILL);
    EXPECT_TRUE(server.log().wait_event("worker started", mark, 10s));
    EXPECT_EQ(server.reload().event, "reload complete");
  });
  expect_exact(result);
}

std::vector<std::unique_ptr<Client>> served_of(std::uint16_t port, int tries,
                                               const ClientOptions& options = {}) {
  std::vector<std::unique_ptr<Client>> served;
  for (int i = 0; i < tries; ++i) {
    auto client = std::make_unique<Client>(port, options);
    if (client->get("/fixed").status == 200) served.push_back(std::move(client));
  }
  return served;
}

TEST(connections_per_ip, holds_over_all_workers_and_is_freed_by_the_death_of_one) {
  ServerConfig config;
  config.workers = 4;
  config.limits = "connections_per_ip: 12";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  auto served = served_of(server.port(), 40);
  EXPECT_EQ(served.size(), 12u);
  EXPECT_EQ(served_of(server.port(), 5).size(), 0u);
  EXPECT_EQ(served_of(server.port(), 5, {.source = 0x7f000002}).size(), 5u) << "another address";

  // Each is on one of four workers; the kernel spread them.
  for (const pid_t worker : server.workers()) {
    const std::size_t mark = server.log().mark();
    ::kill(worker, SIGKILL);
    ASSERT_TRUE(server.log().wait_event("worker started", mark, 10s));
    std::erase_if(served, [](const auto& client) { return client->get("/fixed").status != 200; });
    for (auto& client : served_of(server.port(), 20)) served.push_back(std::move(client));
    EXPECT_EQ(served.size(), 12u);
  }

  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(served_of(server.port(), 5).size(), 0u) << "the leaving workers still have them";
  served.clear();
  EXPECT_TRUE(eventually(10s, [&] {
    served = served_of(server.port(), 40);
    return served.size() == 12u;
  })) << served.size();
}

TEST(connections, are_limited_over_all_workers) {
  ServerConfig config;
  config.workers = 4;
  config.limits = "connections: 20";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("accepting paused");
  auto served = served_of(server.port(), 23, {.timeout = 300ms});
  EXPECT_EQ(served.size(), 20u);
  served.resize(15);
  EXPECT_EQ(served_of(server.port(), 3).size(), 3u) << "there is room again, whichever workers had the others";
}

}  // namespace
}  // namespace holdfast::support
