// What a crowd of connections has made the worker take, the machine has back a few seconds after they left.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

constexpr std::size_t kCrowd = 700;
constexpr std::size_t kEach = 60'000;  // bytes that the worker has in memory for each of them

TEST(memory, returns_to_the_system_when_a_crowd_has_left) {
  if (tested_is_sanitized()) GTEST_SKIP() << "a sanitizer keeps what is freed for a while";
  ServerConfig config;
  config.workers = 1;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1u);
  ASSERT_TRUE(get(server.port(), "/fixed").ok());
  const std::size_t before = resident_kib(workers[0]);
  // The last one stays: a heap with something at its end does not shrink by itself.
  std::unique_ptr<Client> stays;
  {
    std::vector<std::unique_ptr<Client>> crowd;
    for (std::size_t i = 0; i < kCrowd; ++i) {
      crowd.push_back(std::make_unique<Client>(server.port()));
      crowd.back()->send("POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" +
                         std::string(kEach, 'x'));
    }
    for (const auto& client : crowd) ASSERT_EQ(client->receive_head().status, 200);
    EXPECT_GT(resident_kib(workers[0]), before + kCrowd * kEach / 1024 / 2) << "the crowd takes memory";
    stays = std::move(crowd.back());
    crowd.pop_back();
  }
  EXPECT_TRUE(eventually(20s, [&] { return resident_kib(workers[0]) < before + 4096; }))
      << resident_kib(workers[0]) << " KiB, before the crowd " << before;
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

}  // namespace
}  // namespace holdfast::support
