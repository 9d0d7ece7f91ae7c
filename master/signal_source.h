// Signals as values in the master's one loop. While it exists every catchable signal is blocked and read from a
// descriptor, so none can end the master behind its workers' backs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast::master {

enum class Signal : std::uint8_t {
  Reload,
  Stop,
  QuickStop,
  ReopenLogs,
  Upgrade,
  DrainWorkers,
  MoreWorkers,
  FewerWorkers,
  ChildEnded,
  Other
};

struct SignalNotice {
  Signal signal = Signal::Other;
  int number = 0;
  pid_t sender = 0;
  bool by_kernel = false;  // a terminal's doing, not a person's
};

class SignalSource {
 public:
  static Result<SignalSource> open();
  int fd() const { return fd_.get(); }
  /// Blocks all signals again. To be called after code that may look up users: a name service module that saves
  /// and restores the mask by the C library's calls loses the two signals that the library keeps to itself.
  void hold() const;
  /// Whether faults of the process itself reach its handlers; else they are blocked like all others.
  void admit_faults(bool admitted);
  /// The next pending signal; never blocks.
  std::optional<SignalNotice> next();

  /// In a child: ignores the terminal's signals and those that steer the master, then lets all others through.
  static void settle_in_child();

 private:
  SignalSource(Fd fd, std::uint64_t held) : fd_(std::move(fd)), held_(held) {}
  Fd fd_;
  std::uint64_t held_;  // the mask: all, as a rule
};

}  // namespace holdfast::master
