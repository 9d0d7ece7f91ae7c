// A view of the file system for one server alone: small disks, none left, nothing mounted where it is expected.
// As root or, where the kernel lets users have namespaces, as anybody.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace holdfast::support {

class MountNamespace {
 public:
  /// Finds out how one can be made here. `script` (of sh) prepares it before the server runs.
  explicit MountNamespace(const std::string& script) {
    for (const char* const option : {"-m", "-Urm"}) {
      const std::vector<std::string> wrapper{"unshare", option, "--", "sh", "-c", script + " && exec \"$@\"",
                                             "sh"};
      if (run_command({"true"}, {.wrapper = wrapper}).code() != 0) continue;
      wrapper_ = wrapper;
      of_user_ = std::string(option) != "-m";
      return;
    }
  }

  /// False: it is not permitted here, and the test is to be skipped.
  bool possible() const { return !wrapper_.empty(); }
  SpawnOptions spawn_options() const {
    SpawnOptions options;
    options.wrapper = wrapper_;
    return options;
  }
  /// Runs a script in the namespace of the server `pid`; its exit code.
  int run_in(pid_t pid, const std::string& script) const {
    std::vector<std::string> command{"nsenter", "-t", std::to_string(pid), "-m"};
    if (of_user_) command.insert(command.end(), {"-U", "--preserve-credentials"});
    command.insert(command.end(), {"sh", "-c", script});
    return run_command(command).code();
  }
  /// The name, outside, of a file as the server `pid` sees it.
  static std::string outside(pid_t pid, const std::string& path) {
    return "/proc/" + std::to_string(pid) + "/root" + path;
  }

 private:
  std::vector<std::string> wrapper_;
  bool of_user_ = false;
};

}  // namespace holdfast::support
