#include "worker/sandbox/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/temp_dir.h"
#include "worker/sandbox/drift.h"

namespace holdfast::sandbox {
namespace {

namespace fs = std::filesystem;
using support::TempDir;

/// In a process of its own, since there is no way back: runs `inside` there and answers what it does.
int locked_in(const std::vector<PathRule>& rules, int (*inside)(const std::string& folder),
              const std::string& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(enter_landlock(rules) ? inside(folder) : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

int open_code(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const int code = fd < 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  return code;
}

class Landlock : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!landlock_version()) GTEST_SKIP() << "this kernel has no landlock";
    dir_.write("read/file", "x");
    dir_.write("change/file", "x");
    dir_.write("neither/file", "x");
    rules_ = {
        {dir_ / "read", Access::Read}, {dir_ / "change", Access::Change}, {dir_ / "missing", Access::Read}};
  }
  TempDir dir_;
  std::vector<PathRule> rules_;
};

TEST_F(Landlock, gives_what_the_rules_name) {
  const auto inside = [](const std::string& folder) {
    if (open_code(folder + "/read/file", O_RDONLY) != 0) return 1;
    if (open_code(folder + "/read/file", O_WRONLY) != EACCES) return 2;
    if (open_code(folder + "/change/made", O_WRONLY | O_CREAT) != 0) return 3;
    if (::rename((folder + "/change/made").c_str(), (folder + "/change/named").c_str()) != 0) return 4;
    if (::unlink((folder + "/change/named").c_str()) != 0) return 5;
    if (open_code(folder + "/neither/file", O_RDONLY) != EACCES) return 6;
    if (::unlink((folder + "/read/file").c_str()) == 0) return 7;
    return 0;
  };
  EXPECT_EQ(locked_in(rules_, inside, dir_.path().string()), 0);
}

TEST_F(Landlock, is_blind_for_what_takes_the_place_of_a_folder_and_drift_tells_once) {
  const auto inside = [](const std::string& folder) {
    Drift drift({folder + "/read", folder + "/change", folder + "/never"});
    if (drift.look()) return 1;
    // The parent process is not locked in; it acts when it is told to.
    ::kill(::getpid(), SIGSTOP);
    const auto path = drift.look();
    if (!path) return 2;
    if (*path != folder + "/read") return 3;
    return drift.look() ? 4 : 0;
  };
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(enter_landlock(rules_) ? inside(dir_.path().string()) : 99);
  }
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  ASSERT_TRUE(WIFSTOPPED(status)) << status;
  fs::rename(dir_.path() / "read", dir_.path() / "old");
  fs::rename(dir_.path() / "neither", dir_.path() / "read");
  ::kill(child, SIGCONT);
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace holdfast::sandbox
