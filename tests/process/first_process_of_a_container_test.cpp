// As process 1 of a container the master inherits strangers, and nobody else ends it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/log_collector.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

/// How a process space of one's own is made here; empty: not at all.
std::vector<std::string> container() {
  for (const char* const option : {"-pf", "-Urpf"}) {
    std::vector<std::string> wrapper{"unshare", option, "--mount-proc", "--kill-child", "--"};
    if (run_command({"true"}, {.wrapper = wrapper}).code() == 0) return wrapper;
  }
  return {};
}

int run_inside(pid_t first, const std::vector<std::string>& wrapper, const std::string& script) {
  std::vector<std::string> command{"nsenter", "-t", std::to_string(first), "-p", "-m"};
  if (wrapper[1].find('U') != std::string::npos)
    command.insert(command.end(), {"-U", "--preserve-credentials"});
  command.insert(command.end(), {"sh", "-c", script});
  return run_command(command).code();
}

class first_process : public testing::Test {
 protected:
  void SetUp() override {
    wrapper_ = container();
    if (wrapper_.empty()) GTEST_SKIP() << "no process space of our own can be made here";
    dir_.write("www/index.html", "x");
    dir_.write("holdfast.yaml", ServerConfig().yaml(dir_));
    container_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{holdfast_binary(), "-c", dir_ / "holdfast.yaml"},
        SpawnOptions{.one_stream = true, .wrapper = wrapper_});
    log_ = std::make_unique<LogCollector>(std::move(container_->out()));
    ASSERT_TRUE(log_->wait_event("ready", 0, 20s)) << log_->text();
    const std::vector<pid_t> children = children_of(container_->pid());
    ASSERT_EQ(children.size(), 1U);
    master_ = children[0];
    EXPECT_EQ(dir_.read("holdfast.pid"), "1\n");
  }
  TempDir dir_;
  std::vector<std::string> wrapper_;
  std::unique_ptr<ChildProcess> container_;
  std::unique_ptr<LogCollector> log_;
  pid_t master_ = 0;
};

TEST_F(first_process, reaps_strangers_and_serves_on) {
  const std::vector<pid_t> own = children_of(master_);
  ASSERT_EQ(run_inside(master_, wrapper_, "sleep 1000 </dev/null >/dev/null 2>&1 &"), 0);
  pid_t stranger = 0;
  ASSERT_TRUE(eventually(10s, [&] {
    for (const pid_t pid : children_of(master_))
      if (std::ranges::find(own, pid) == own.end()) stranger = pid;
    return stranger != 0;
  })) << "it was not handed to the first process";
  ::kill(stranger, SIGKILL);
  EXPECT_TRUE(eventually(10s, [&] {
    return !std::filesystem::exists("/proc/" + std::to_string(stranger));  // a zombie is there
  }));
  EXPECT_EQ(children_of(master_), own);
  EXPECT_EQ(log_->text().find("worker ended"), std::string::npos);
}

TEST_F(first_process, stops_at_term_from_inside_as_from_outside) {
  ASSERT_EQ(run_inside(master_, wrapper_, "kill -TERM 1"), 0);
  EXPECT_EQ(container_->wait(10s), (Exit{0, 0})) << log_->text();
  EXPECT_TRUE(log_->wait_event("stopped", 0, 5s));
}

TEST_F(first_process, ends_with_its_code_when_the_container_is_stopped) {
  ::kill(master_, SIGTERM);
  EXPECT_EQ(container_->wait(10s), (Exit{0, 0})) << log_->text();
}

}  // namespace
}  // namespace holdfast::support
