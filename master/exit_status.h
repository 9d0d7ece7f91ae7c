// How a process ended, and what its exit code means to whoever started it (sysexits).
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace holdfast::master {

enum ExitCode : int {
  kExitOk = 0,
  kExitDifferent = 1,  // as diff says it
  kExitUsage = 64,
  kExitUnavailable = 69,
  kExitInternal = 70,
  kExitSystem = 71,
  kExitPermission = 77,
  kExitConfiguration = 78
};

/// The exit code of a program that could not go on for a reason of this kind.
ExitCode exit_code_for(ErrorKind kind);

/// Why a fork of `what` failed with `code`, and what limit may be behind it; what that is called depends on who
/// has set it.
Error no_process(int code, std::string_view what);

struct ExitStatus {
  static constexpr int kUnknown = -1;  // somebody else has asked for it before us

  bool signaled = false;
  int number = 0;  // exit code, or the signal

  /// "exit code 1", "signal 9 (SIGKILL)".
  std::string text() const;
};

}  // namespace holdfast::master
