#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/child_process.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/log_collector.h"
#include "tests/support/server_config.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {
namespace {

std::uint16_t port_of(const LogCollector& log, const std::string& listener) {
  for (const LogLine& line : log.lines())
    if (line.event == "listening" && line.field("listener") == listener)
      return static_cast<std::uint16_t>(
          std::stoi(line.field("address").substr(line.field("address").rfind(':') + 1)));
  return 0;
}

// `holdfast 2>&1 | head`: whoever read the log is gone, the server is not.
TEST(closed_log_stream, leaves_the_server_serving_and_the_master_at_rest) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", ServerConfig().yaml(dir));
  SpawnOptions options;
  options.one_stream = true;
  ChildProcess master({holdfast_binary(), "-c", dir / "holdfast.yaml"}, options);
  auto log = std::make_unique<LogCollector>(std::move(master.out()));
  ASSERT_TRUE(log->wait_event("ready", 0, 20s));
  const std::uint16_t port = port_of(*log, "http");
  const std::uint16_t admin = port_of(*log, "admin");
  log.reset();

  master.signal(SIGHUP);
  ASSERT_TRUE(eventually(
      10s, [&] { return get(admin, "/metrics").body.find("holdfast_generation 2") != std::string::npos; }));
  const Milliseconds cpu = cpu_time_of(master.pid());
  const TimePoint begin = Clock::now();
  while (Clock::now() - begin < 1s) EXPECT_EQ(get(port, "/fixed").status, 200);
  EXPECT_LT(cpu_time_of(master.pid()) - cpu, 100ms * kPatience) << "the master waits, it does not spin";
  master.signal(SIGTERM);
  EXPECT_EQ(master.wait(10s), (Exit{0, 0}));
}

}  // namespace
}  // namespace holdfast::support
