// From one binary to another in the same process: the departure of the one, the arrival of the other, and the
// net that catches one which falls on its way.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/fd.h"
#include "common/result.h"
#include "master/handover.h"
#include "master/own_binary.h"

namespace holdfast::master {

/// What a predecessor has left to this process.
struct Arrival {
  Handover handover;
  Fd memory;  // that it was read from
};
/// Empty for a process that was started in the ordinary way. An error: something was left, but cannot be read.
std::optional<Result<Arrival>> arrive();

/// Where the successor is.
struct Destination {
  std::string path;  // or, when there is a file, what its log lines call it
  int file = -1;
  std::vector<std::string> arguments;
};
/// Runs the successor in this process, with the descriptors of the handover and no others but the standard
/// streams. Comes back only with the reason why it cannot.
Error depart(const Handover& handover, const Destination& to);
/// Closes the descriptors as they were handed over, of which this process has its own by then, and the former
/// binary: nobody comes back.
void close_handed(const Handover& handover);
/// They do not pass to the next program, but stay open until then.
void hold_back_handed(const Handover& handover);

/// From arm() to disarm(), a fault or a standstill of this process brings the former binary back, with the
/// handover as it was written and the fault as the reason. Forked children are not held by it.
class CrashNet {
 public:
  /// `arguments` outlive the net. What is handed over must stay open. `limit`: until disarm().
  static void arm(const Arrival& arrival, const std::vector<std::string>& arguments,
                  std::chrono::seconds limit);
  /// From now on; does nothing when it is not armed.
  static void set_limit(std::chrono::seconds limit);
  static void disarm();
  /// The same by intention, for what this process meets before it can write a handover of its own. Comes back
  /// only when the net is not armed, or the former binary cannot be run.
  static void fall(const std::string& reason);
};

}  // namespace holdfast::master
