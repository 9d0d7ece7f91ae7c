#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

// A worker opens the document root at its start. With the folder moved away each new worker fails, while those
// that run hold it open and go on.
TEST(worker_that_cannot_start, is_retried_slowly_while_the_others_serve) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker ended", "worker cannot start", "worker held back"}) server.allow(event);
  const std::filesystem::path root = server.dir() / "www";
  const std::filesystem::path away = server.dir() / "away";
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 2u);
  std::filesystem::rename(root, away);

  const Milliseconds cpu = cpu_time_of(server.pid());
  const std::size_t mark = server.log().mark();
  ::kill(workers[0], SIGKILL);
  ASSERT_TRUE(server.log().wait_event("worker started", mark, 10s));
  const TimePoint begin = Clock::now();
  std::uint64_t served = 0;
  std::uint64_t tried = 0;
  // The dead slot's queue fills with connections that wait for its next worker; clients of the other one are
  // served.
  const auto goes_on = [&](Milliseconds limit) { return Clock::now() - begin < limit; };
  while (goes_on(3s) || (served == 0 && goes_on(8s))) {
    ++tried;
    served += get(server.port(), "/fixed", {.timeout = 200ms}).ok() ? 1u : 0u;
  }
  std::size_t forks = 0;
  for (const LogLine& line : server.log().lines(mark)) forks += line.event == "worker started" ? 1 : 0;
  EXPECT_GE(forks, 2u);
  EXPECT_LE(forks, 10u);
  // Which slot a client meets is the kernel's lot, and a slow build draws only four in three seconds.
  EXPECT_GT(served, 0U) << "of " << tried;
  EXPECT_LT(cpu_time_of(server.pid()) - cpu, 150ms * kPatience) << "the master waits, it does not spin";
  EXPECT_NE(get(server.admin_port(), "/readyz").status, 200);
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200);

  std::filesystem::rename(away, root);
  EXPECT_TRUE(eventually(15s, [&] { return server.workers().size() == 2; }));
  EXPECT_EQ(get(server.admin_port(), "/readyz").status, 200);
}

TEST(worker_that_cannot_start, at_the_first_start_ends_the_server_with_69) {
  ServerConfig config;
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", config.yaml(dir));
  std::filesystem::rename(dir / "www", dir / "away");
  const CommandResult result = run_command({holdfast_binary(), "-c", dir / "holdfast.yaml"});
  EXPECT_TRUE(result.code() == 69 || result.code() == 78) << result.code() << result.err;
  EXPECT_NE(result.err.find("www"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace holdfast::support
