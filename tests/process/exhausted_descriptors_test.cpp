#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

TEST(exhausted_descriptors, do_not_make_a_worker_spin_and_it_resumes) {
  ServerConfig config;
  config.workers = 1;
  SpawnOptions options;
  options.descriptors = 80;
  ServerProcess server(config, options);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"accepting paused"}) server.allow(event);
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1u);
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 150; ++i) idle.push_back(std::make_unique<Client>(server.port()));
  ASSERT_TRUE(eventually(5s, [&] {
    return scrape(server.admin_port()).sum("holdfast_connections_refused_total", {"descriptors"}) > 0;
  }));

  const Milliseconds cpu = cpu_time_of(workers[0]);
  const TimePoint begin = Clock::now();
  while (Clock::now() - begin < 1s) EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200);
  EXPECT_LT(cpu_time_of(workers[0]) - cpu, 200ms * kPatience);

  idle.clear();
  EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/fixed", {.timeout = 500ms}).status == 200; }));
  EXPECT_EQ(server.workers(), workers) << "the worker has survived it";
}

}  // namespace
}  // namespace holdfast::support
