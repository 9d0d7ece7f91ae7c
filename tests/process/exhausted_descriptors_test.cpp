#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/injected_faults.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

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

/// Lets the process open no more, or as much as before.
void allow_descriptors(pid_t pid, bool allowed) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  if (!allowed) {
    limit.rlim_cur = 0;
    const std::filesystem::path open = "/proc/" + std::to_string(pid) + "/fd";
    while (std::filesystem::is_symlink(std::filesystem::symlink_status(open / std::to_string(limit.rlim_cur))))
      ++limit.rlim_cur;
    // One that waits for more descriptors at once than that is refused the wait.
    ASSERT_GT(limit.rlim_cur, 8U);
  }
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
}

TEST(exhausted_descriptors, of_the_master_leave_its_workers_serving_and_it_recovers) {
  ServerConfig config;
  config.process = "respawn: {initial_delay: 500ms, max_delay: 500ms}";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker not started", "worker held back", "worker ended", "reload problem",
                            "reload refused", "configuration"})
    server.allow(event);
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 2U);
  allow_descriptors(server.pid(), false);
  std::size_t mark = server.log().mark();
  EXPECT_EQ(server.reload().event, "reload refused");
  const auto why = server.log().wait_event("reload problem", mark, 1s);
  ASSERT_TRUE(why);
  EXPECT_THAT(why->field("problem"), HasSubstr("Too many open files")) << why->raw;

  mark = server.log().mark();
  ::kill(workers[0], SIGKILL);
  const auto told = server.log().wait_event("worker not started", mark, 10s);
  ASSERT_TRUE(told);
  EXPECT_THAT(told->field("problem"), HasSubstr("limit of descriptors (LimitNOFILE= of the unit"));
  EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/fixed", {.timeout = 200ms}).status == 200; }));

  // The dead worker has left some free; now there is none at all. Somebody who asks the master waits in its
  // queue, and must not keep it busy there.
  allow_descriptors(server.pid(), false);
  ChildProcess asking({holdfast_binary(), "reload", "-c", server.config_file()});
  const Milliseconds cpu = cpu_time_of(server.pid());
  const TimePoint begin = Clock::now();
  while (Clock::now() - begin < 1s) EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200);
  EXPECT_LT(cpu_time_of(server.pid()) - cpu, 200ms * kPatience);
  EXPECT_FALSE(asking.wait(0ms)) << "it waits for its answer";

  allow_descriptors(server.pid(), true);
  EXPECT_EQ(asking.wait(20s), (Exit{0, 0}));
  EXPECT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  EXPECT_EQ(get(server.admin_port(), "/readyz").status, 200);
}

// The worker is there already when it turns out that it cannot be watched.
TEST(exhausted_descriptors, leave_no_worker_behind_that_nobody_watches) {
  if (!InjectedFaults::possible()) GTEST_SKIP() << "sanitizers leave no room for a preloaded library";
  InjectedFaults faults;
  ServerProcess server({}, faults.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker not started", "reload problem", "reload refused"}) server.allow(event);
  const std::vector<pid_t> processes = server.processes();
  for (const FaultyCall call : {FaultyCall::PidDescriptor, FaultyCall::SocketPair}) {
    faults.fail(call, EMFILE, 1);
    EXPECT_EQ(server.reload().event, "reload refused");
    EXPECT_GT(faults.failures(call), 0);
    faults.fail(call, 0);
    EXPECT_TRUE(eventually(10s, [&] { return server.processes() == processes; }));
  }
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_EQ(server.reload().event, "reload complete");
}

}  // namespace
}  // namespace holdfast::support
