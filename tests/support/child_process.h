// A program that the test started: its output, its end. Owner of the process: one that still runs when the
// owner goes is killed and reaped. run_command() is for programs that end by themselves.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"

namespace holdfast::support {

struct SpawnOptions {
  std::vector<std::string> environment = {};      // NAME=VALUE, on top of ours
  std::optional<unsigned long> descriptors = {};  // RLIMIT_NOFILE, soft and hard
  std::map<int, unsigned long> limits = {};       // others (RLIMIT_...), soft
  std::string directory = {};                     // empty: ours
  bool one_stream = false;                        // stderr goes where stdout goes
  std::vector<std::string> wrapper = {};          // a command that becomes the one that follows it (exec)
  // Handed over as a service manager does: from descriptor 3 on, announced in LISTEN_PID and LISTEN_FDS.
  std::vector<int> listen_descriptors = {};
  std::string program = {};  // of a server, when it is not the one under test itself
};

/// How a process ended: an exit code, or the signal that ended it (then code is -1).
struct Exit {
  int code = -1;
  int signal = 0;
  bool operator==(const Exit&) const = default;
};

class ChildProcess {
 public:
  ChildProcess(const std::vector<std::string>& arguments, const SpawnOptions& options = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  Fd& out() { return out_; }
  Fd& err() { return err_; }  // empty with one_stream
  void signal(int number) const;
  /// The end of the process, awaited until `in` has passed; empty: it still runs.
  std::optional<Exit> wait(Milliseconds in);

 private:
  pid_t pid_ = -1;
  Fd out_;
  Fd err_;
  std::optional<Exit> exit_;
};

struct CommandResult {
  std::optional<Exit> exit;  // empty: it did not end in time and was killed
  std::string out;
  std::string err;
  int code() const { return exit ? exit->code : -1; }
};
CommandResult run_command(const std::vector<std::string>& arguments, const SpawnOptions& options = {},
                          Milliseconds in = std::chrono::seconds(20));

/// Processes whose parent is `parent` now.
std::vector<pid_t> children_of(pid_t parent);
/// Waits until no process `pid` runs any more (a zombie has ended); false at the deadline.
bool wait_until_gone(pid_t pid, Milliseconds in);
/// User and system time that the process has used so far.
Milliseconds cpu_time_of(pid_t pid);
/// Memory of the process that is in RAM now, in KiB.
std::size_t resident_kib(pid_t pid);
/// Descriptors that the process has open.
std::size_t descriptors_of(pid_t pid);

}  // namespace holdfast::support
