#include "master/exit_status.h"

#include <cerrno>
#include <csignal>
#include <cstring>

namespace holdfast::master {

ExitCode exit_code_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Configuration:
      return kExitConfiguration;
    case ErrorKind::Permission:
      return kExitPermission;
    case ErrorKind::Unavailable:
      return kExitUnavailable;
    case ErrorKind::System:
      return kExitSystem;
    case ErrorKind::Internal:
      return kExitInternal;
  }
  return kExitInternal;
}

Error no_process(int code, std::string_view what) {
  const std::string context = "fork " + std::string(what);
  if (code == EAGAIN)
    return system_error(code, context +
                                  ": the limit of processes is reached (TasksMax= of the unit, pids.max of "
                                  "the cgroup, or ulimit -u)");
  return system_error(code, context + std::string(limit_behind(code)));
}

std::string ExitStatus::text() const {
  if (number == kUnknown) return "an exit status that is not known";
  if (!signaled) return "exit code " + std::to_string(number);
  std::string text = "signal " + std::to_string(number);
  if (const char* name = sigabbrev_np(number); name != nullptr) text += std::string(" (SIG") + name + ")";
  return text;
}

}  // namespace holdfast::master
