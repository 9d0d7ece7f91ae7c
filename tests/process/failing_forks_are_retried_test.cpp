// At the limit of processes nothing new can be started: what runs goes on, and the rest comes when there is
// room.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/deadline.h"
#include "tests/support/injected_faults.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

class failing_forks : public testing::Test {
 protected:
  void SetUp() override {
    if (!InjectedFaults::possible()) GTEST_SKIP() << "sanitizers leave no room for a preloaded library";
  }
  InjectedFaults faults_;
};

TEST_F(failing_forks, leave_the_other_workers_serving_and_are_tried_again) {
  ServerConfig config;
  config.process = "respawn: {initial_delay: 50ms, max_delay: 200ms}";
  ServerProcess server(config, faults_.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker not started", "worker held back", "worker ended"}) server.allow(event);
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 2U);
  faults_.fail(FaultyCall::Fork, EAGAIN);
  std::size_t mark = server.log().mark();
  ::kill(workers[0], SIGKILL);
  const auto told = server.log().wait_event("worker not started", mark, 10s);
  ASSERT_TRUE(told);
  EXPECT_NE(told->field("problem").find("limit of processes"), std::string::npos) << told->raw;
  EXPECT_NE(told->field("problem").find("TasksMax"), std::string::npos) << told->raw;
  ASSERT_TRUE(server.log().wait_event("worker held back", mark, 10s));

  // Half of the connections wait in the dead slot's queue; those of the other one are answered.
  EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/fixed", {.timeout = 200ms}).status == 200; }));
  EXPECT_NE(get(server.admin_port(), "/readyz").status, 200);
  const Milliseconds cpu = cpu_time_of(server.pid());
  const int before = faults_.failures(FaultyCall::Fork);
  EXPECT_TRUE(eventually(10s, [&] { return faults_.failures(FaultyCall::Fork) >= before + 5; }));
  EXPECT_LT(cpu_time_of(server.pid()) - cpu, 300ms * kPatience) << "the master waits, it does not spin";

  faults_.fail(FaultyCall::Fork, 0);
  EXPECT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  EXPECT_EQ(get(server.admin_port(), "/readyz").status, 200);
}

TEST_F(failing_forks, refuse_a_reload_and_the_old_workers_serve_on) {
  ServerProcess server({}, faults_.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker not started", "reload problem", "reload refused"}) server.allow(event);
  const std::vector<pid_t> workers = server.workers();
  const std::size_t mark = server.log().mark();
  faults_.fail(FaultyCall::Fork, EAGAIN, 1);  // half of the new generation is there when it happens
  EXPECT_EQ(server.reload().event, "reload refused");
  const auto why = server.log().wait_event("reload problem", mark, 1s);
  ASSERT_TRUE(why);
  EXPECT_NE(why->field("problem").find("fork a worker"), std::string::npos) << why->raw;
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_EQ(server.workers(), workers);
  EXPECT_TRUE(eventually(
      5s, [&] { return scrape(server.admin_port()).sum("holdfast_config_last_reload_successful") == 0; }));

  faults_.fail(FaultyCall::Fork, 0);
  EXPECT_EQ(server.reload().event, "reload complete");
}

TEST_F(failing_forks, at_the_start_end_the_server_with_69_and_the_reason) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", ServerConfig().yaml(dir));
  faults_.fail(FaultyCall::Fork, EAGAIN);
  const CommandResult result =
      run_command({holdfast_binary(), "-c", dir / "holdfast.yaml"}, faults_.spawn_options());
  EXPECT_EQ(result.code(), 69);
  EXPECT_NE(result.err.find("limit of processes"), std::string::npos) << result.err;
}

TEST_F(failing_forks, are_no_fault_of_a_configuration_that_is_checked) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", ServerConfig().yaml(dir));
  faults_.fail(FaultyCall::Fork, EAGAIN);
  const CommandResult result =
      run_command({holdfast_binary(), "check", "-c", dir / "holdfast.yaml"}, faults_.spawn_options());
  EXPECT_EQ(result.code(), 71);
  EXPECT_NE(result.err.find("cannot check: fork a worker: the limit of processes"), std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace holdfast::support
