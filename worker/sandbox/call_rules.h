// Which system calls a worker makes: those of the server, of the libraries it stands on, and those that modules
// have asked for. Pure.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "worker/sandbox/seccomp_filter.h"

namespace holdfast::sandbox {

struct CallWishes {
  std::vector<std::string> names;  // of calls that are let through, whatever their arguments
  bool changes_files = false;      // and so makes, renames, removes some
};

/// The rules of the process `self`, which may send signals to itself alone.
std::vector<CallRule> call_rules(pid_t self, const CallWishes& wishes);

}  // namespace holdfast::sandbox
