#include "master/exit_status.h"

#include <csignal>
#include <cstring>

namespace holdfast::master {

std::string ExitStatus::text() const {
  if (number == kUnknown) return "an exit status that is not known";
  if (!signaled) return "exit code " + std::to_string(number);
  std::string text = "signal " + std::to_string(number);
  if (const char* name = sigabbrev_np(number); name != nullptr) text += std::string(" (SIG") + name + ")";
  return text;
}

}  // namespace holdfast::master
