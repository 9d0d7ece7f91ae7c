// `workers: auto`: the CPUs that the process may run on, or the limit of its container.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/log_collector.h"
#include "tests/support/mount_namespace.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

/// What a server says of the number of its workers, and that it has so many.
LogLine chosen(const SpawnOptions& how) {
  const TempDir dir;
  const std::string user = ::geteuid() == 0 ? ", user: nobody, group: nogroup" : "";
  dir.write("holdfast.yaml",
            "process: {workers: auto, pid_file: off" + user +
                "}\nadmin: {bind: off}\nlog: {access: off}\n"
                "listeners: {http: {bind: \"127.0.0.1:0\"}}\nsites: [{routes: [{path: /, hello: {}}]}]\n");
  SpawnOptions options = how;
  options.one_stream = true;
  ChildProcess server({holdfast_binary(), "-c", dir / "holdfast.yaml"}, options);
  LogCollector log(std::move(server.out()));
  const auto ready = log.wait_event("ready", 0, 20s);
  EXPECT_TRUE(ready) << log.text();
  const LogLine line = log.wait_event("workers chosen", 0, 0ms).value_or(LogLine{});
  EXPECT_EQ(ready.value_or(LogLine{}).field("workers"), line.field("workers"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(10s), (Exit{0, 0}));
  return line;
}

std::string cpus_of_this_process() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  EXPECT_EQ(::sched_getaffinity(0, sizeof cpus, &cpus), 0);
  return std::to_string(CPU_COUNT(&cpus));
}

TEST(number_of_workers, is_that_of_the_cpus_it_may_run_on) {
  // Machines where this runs may be limited themselves, and then say so.
  const LogLine line = chosen({});
  const bool limited = line.field("because").find("limit") != std::string::npos;
  EXPECT_TRUE(limited || line.field("workers") == cpus_of_this_process()) << line.raw;
  const LogLine one = chosen({.wrapper = {"taskset", "-c", "0"}});
  EXPECT_EQ(one.field("workers"), "1") << one.raw;
}

TEST(number_of_workers, is_limited_by_the_control_group) {
  const MountNamespace half("mount -t tmpfs none /sys/fs/cgroup && echo 50000 100000 > /sys/fs/cgroup/cpu.max");
  if (!half.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  const LogLine line = chosen(half.spawn_options());
  EXPECT_EQ(line.field("workers"), "1");
  EXPECT_EQ(line.field("because"),
            cpus_of_this_process() == "1" ? "1 CPU may be used" : "cgroup CPU limit 0.5");
}

TEST(number_of_workers, is_that_of_the_machine_where_nothing_tells_of_limits) {
  if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers need /proc themselves";
  const MountNamespace bare("mount -t tmpfs none /proc && mount -t tmpfs none /sys");
  if (!bare.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  EXPECT_EQ(chosen(bare.spawn_options()).field("workers"), cpus_of_this_process());
}

}  // namespace
}  // namespace holdfast::support
