#include "common/cgroup.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/cpu_allowance.h"

namespace holdfast::cgroup {
namespace {

class Groups : public testing::Test {
 protected:
  Groups() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-cgroup-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    places_.membership = (root_ / "self").string();
    places_.mounts = (root_ / "mounts").string();
  }
  ~Groups() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  void file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::filesystem::path root_;
  Places places_;
};

TEST(CpuMax, IsAQuotaOfAPeriod) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
  for (const char* none : {"max 100000\n", "", "150000", "0 100000", "100000 0", "x y", "-1 100000"})
    EXPECT_EQ(parse_cpu_max(none), std::nullopt) << none;
  EXPECT_EQ(parse_cfs_quota("200000\n", "100000\n"), 2.0);
  EXPECT_EQ(parse_cfs_quota("-1\n", "100000\n"), std::nullopt);
}

TEST_F(Groups, NothingIsLimitedWhereThereAreNone) {
  EXPECT_EQ(cpu_limit(places_), std::nullopt);
  EXPECT_EQ(oom_kills(places_), std::nullopt);
  file("self", "garbage\n:\n0:\n0::nowhere\n\n");
  EXPECT_EQ(cpu_limit(places_), std::nullopt);
}

TEST_F(Groups, OfVersion2AreLimitedByTheTightestAroundThem) {
  file("self", "0::/system.slice/web.service\n");
  file("mounts/system.slice/web.service/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_limit(places_), std::nullopt);
  file("mounts/system.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(cpu_limit(places_), 3.0);
  file("mounts/system.slice/web.service/cpu.max", "450000 100000\n");
  EXPECT_EQ(cpu_limit(places_), 3.0);
  file("mounts/system.slice/web.service/cpu.max", "25000 100000\n");
  EXPECT_EQ(cpu_limit(places_), 0.25);
}

TEST_F(Groups, OfVersion2InAContainerAreAtTheTop) {
  file("self", "0::/\n");
  file("mounts/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_limit(places_), 1.5);
  file("self", "0::/host/path/that/is/not/here\n");
  EXPECT_EQ(cpu_limit(places_), 1.5);
  std::filesystem::remove(root_ / "self");  // /proc is not mounted
  EXPECT_EQ(cpu_limit(places_), 1.5);
}

TEST_F(Groups, OfVersion1HaveFoldersOfTheirControllers) {
  file("self", "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n0::/\n");
  file("mounts/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "250000\n");
  file("mounts/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_limit(places_), 2.5);
  file("mounts/cpu/cpu.cfs_quota_us", "-1\n");
  file("mounts/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_limit(places_), 2.5);
}

TEST_F(Groups, TellOfProcessesThatTheKernelKilledForMemory) {
  file("self", "5:memory:/docker/1\n0::/web\n");
  file("mounts/memory/docker/1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  EXPECT_EQ(oom_kills(places_), 4U);
  file("mounts/web/memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n");
  EXPECT_EQ(oom_kills(places_), 2U);
}

TEST(AllowedCpus, AreThoseOfTheMachineOrOfTheLimit) {
  EXPECT_EQ(allowed_cpus(8, std::nullopt).cpus, 8U);
  EXPECT_EQ(allowed_cpus(8, std::nullopt).because, "8 CPUs may be used");
  EXPECT_EQ(allowed_cpus(8, 1.5).cpus, 2U);
  EXPECT_EQ(allowed_cpus(8, 1.5).because, "cgroup CPU limit 1.5");
  EXPECT_EQ(allowed_cpus(8, 2.0).cpus, 2U);
  EXPECT_EQ(allowed_cpus(8, 2.0).because, "cgroup CPU limit 2");
  EXPECT_EQ(allowed_cpus(8, 0.1).cpus, 1U);
  EXPECT_EQ(allowed_cpus(2, 16.0).cpus, 2U);
  EXPECT_EQ(allowed_cpus(2, 16.0).because, "2 CPUs may be used");
  EXPECT_EQ(allowed_cpus(1, std::nullopt).because, "1 CPU may be used");
  EXPECT_EQ(allowed_cpus(0, std::nullopt).cpus, 1U);
}

TEST_F(Groups, MemoryAndProcessesAreLimitedByTheTightest) {
  EXPECT_EQ(memory_limit(places_), std::nullopt);
  EXPECT_EQ(process_limit(places_), std::nullopt);
  file("self", "0::/system.slice/web.service\n");
  file("mounts/system.slice/web.service/memory.max", "max\n");
  file("mounts/system.slice/web.service/pids.max", "max\n");
  EXPECT_EQ(memory_limit(places_), std::nullopt);
  EXPECT_EQ(process_limit(places_), std::nullopt);
  file("mounts/system.slice/memory.max", "1048576\n");
  file("mounts/system.slice/web.service/pids.max", "40\n");
  EXPECT_EQ(memory_limit(places_), 1048576U);
  EXPECT_EQ(process_limit(places_), 40U);
}

TEST_F(Groups, OfVersion1HaveMemoryLimitsThatAreNone) {
  file("self", "4:memory:/docker/x\n3:pids:/docker/x\n");
  file("mounts/memory/docker/x/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory_limit(places_), std::nullopt);
  file("mounts/memory/docker/x/memory.limit_in_bytes", "4096\n");
  EXPECT_EQ(memory_limit(places_), 4096U);
}

}  // namespace
}  // namespace holdfast::cgroup
