#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig limited(const std::string& rate_limit) {
  ServerConfig config;
  config.workers = 4;
  config.routes =
      "      - {path: /limited, rate_limit: " + rate_limit + ", respond: {status: 200, body: ok}}\n";
  return config;
}

struct Tally {
  std::atomic<int> ok{0}, limited{0}, other{0};
  std::atomic<int> without_retry{0};
};

/// One client: as many requests as it can until `end`, on connections of its own.
void hammer(std::uint16_t port, TimePoint end, Tally& tally) {
  while (Clock::now() < end) {
    Client client(port);
    for (int i = 0; i < 20 && Clock::now() < end; ++i) {
      const Response response = client.get("/limited");
      if (!response.ok()) break;
      ++(response.status == 200 ? tally.ok : response.status == 429 ? tally.limited : tally.other);
      if (response.status == 429 && response.field("retry-after").empty()) ++tally.without_retry;
      if (response.closes()) break;
    }
  }
}

TEST(rate_limit, is_one_for_all_workers_through_reloads_and_crashes) {
  ServerProcess server(limited("{rate: 100/s, burst: 20}"));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  Tally tally;
  const TimePoint begin = Clock::now();
  const TimePoint end = begin + 2s;
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) clients.emplace_back(hammer, server.port(), end, std::ref(tally));
  EXPECT_EQ(server.reload().event, "reload complete");
  kill(server.workers().at(0), SIGKILL);
  for (std::thread& client : clients) client.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  EXPECT_GT(tally.limited, 0);
  EXPECT_EQ(tally.other, 0);
  EXPECT_EQ(tally.without_retry, 0);
  // A request that the killed worker had admitted but not answered is in the limit, not in the tally.
  EXPECT_LE(tally.ok, (21 + 100 * seconds) * 1.05 + 1);
  EXPECT_GE(tally.ok, (21 + 100 * 2) * 0.95 - 16);
}

TEST(rate_limit, says_when_to_come_again_and_is_counted) {
  ServerProcess server(limited("{rate: 2/m, burst: 1}"));
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(get(server.port(), "/limited").status, 200);
  EXPECT_EQ(get(server.port(), "/limited").status, 200);
  const Response refused = get(server.port(), "/limited");
  EXPECT_EQ(refused.status, 429);
  const int wait = std::stoi(refused.field("retry-after"));
  EXPECT_GE(wait, 25);
  EXPECT_LE(wait, 30);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200) << "other routes have nothing to do with it";
  ClientOptions elsewhere;
  elsewhere.source = 0x7f000007;
  EXPECT_EQ(get(server.port(), "/limited", elsewhere).status, 200) << "another address has a rate of its own";
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_http_rate_limited_total", {"site=\"main\""}), 1);
}

TEST(rate_limit, of_all_together_does_not_ask_who) {
  ServerProcess server(limited("{rate: 1/h, burst: 0, key: all}"));
  ASSERT_TRUE(server.ready());
  ClientOptions elsewhere;
  elsewhere.source = 0x7f000007;
  EXPECT_EQ(get(server.port(), "/limited").status, 200);
  EXPECT_EQ(get(server.port(), "/limited", elsewhere).status, 429);
}

}  // namespace
}  // namespace holdfast::support
