// The service manager's watchdog watches the service, not the master alone.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/init_system.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

const Milliseconds kWatchdog{400 * kPatience};  // WATCHDOG_USEC: the server is given up after so long

class Manager : public InitSystem {
 public:
  SpawnOptions spawn_options() const {
    SpawnOptions spawn = options();
    spawn.environment.push_back("WATCHDOG_USEC=" +
                                std::to_string(std::chrono::microseconds(kWatchdog).count()));
    return spawn;
  }
  /// Whether a message that all is well comes before the server would be given up.
  bool is_fed() { return wait_notice("WATCHDOG=1", notices().size(), kWatchdog); }
};

TEST(watchdog, is_fed_as_long_as_workers_are_replaced) {
  Manager manager;
  ServerConfig config;
  config.workers = 1;
  config.process = "hang_timeout: 500ms";
  ServerProcess server(config, manager.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker stands still", "worker ended"}) server.allow(event);
  EXPECT_TRUE(manager.is_fed());
  const std::vector<pid_t> workers = server.workers();
  const std::size_t mark = server.log().mark();
  ::kill(workers.at(0), SIGSTOP);
  ASSERT_TRUE(server.log().wait_event("worker ended", mark, 20s));
  EXPECT_TRUE(manager.is_fed());
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(manager.is_fed());
  server.signal(SIGWINCH);
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().empty(); }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(manager.is_fed()) << "no worker is wanted";
}

// A worker opens the document root at its start: without it none can take the place of one that has died.
TEST(watchdog, is_not_fed_when_no_worker_makes_progress) {
  Manager manager;
  ServerConfig config;
  config.workers = 1;
  config.process = "respawn: {initial_delay: 50ms, max_delay: 200ms}";
  ServerProcess server(config, manager.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker ended", "worker cannot start", "worker held back", "watchdog not fed"})
    server.allow(event);
  EXPECT_TRUE(manager.is_fed());
  const std::filesystem::path root = server.dir() / "www";
  const std::filesystem::path away = server.dir() / "away";
  const std::vector<pid_t> workers = server.workers();
  std::filesystem::rename(root, away);
  ::kill(workers.at(0), SIGKILL);
  ASSERT_TRUE(server.log().wait_event("watchdog not fed: no worker makes progress", 0, 10s));
  EXPECT_FALSE(manager.is_fed());
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200) << "the master itself runs";

  std::filesystem::rename(away, root);
  ASSERT_TRUE(server.log().wait_event("watchdog fed again: workers make progress", 0, 10s));
  EXPECT_TRUE(manager.is_fed());
}

}  // namespace
}  // namespace holdfast::support
