// What a master leaves to its successor when the process goes over to another binary: the same process, with
// the same children and descriptors, in which nothing else of it remains. As text, a line a record, whose words
// are percent-encoded: a version that knows more records than another leaves out what it does not know.
//
// The way: the old master writes it into a memory file, lets the descriptors pass, and executes the new binary
// with kHandoverVariable in its environment. The new one either comes to serve, or writes one itself, with the
// reason, and executes the old binary again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "master/listener_set.h"
#include "master/worker_slot.h"

namespace holdfast::master {

/// Names the descriptor of the memory file.
inline constexpr const char* kHandoverVariable = "HOLDFAST_HANDOVER";
/// Raised when a record changes its meaning; a new kind of record needs no new number.
inline constexpr unsigned kHandoverFormat = 1;

/// A process of the predecessor; its descriptors by number.
struct HandedProcess {
  SlotProcess known;
  std::uint32_t slot = 0;
  bool current = false;  // serves its slot; else it is on its way out
  std::uint32_t seat = 0;
  pid_t pid = -1;
  int pidfd = -1;
  int control = -1;  // -1: it has hung up
  int log = -1;      // its access log (worker_log.h)
  std::uint64_t log_opening = 0;
};

/// A value; -1 is no descriptor. All descriptors are those of this process.
struct Handover {
  std::string version;  // of who wrote it
  std::string binary;   // what it ran from, and a descriptor of that very file
  int binary_fd = -1;
  /// Why the server comes back; empty on the way there.
  std::optional<std::string> returned;

  int segment = -1;
  int limits = -1;
  int tickets = -1;
  int broadcast = -1;
  int pid_file = -1;
  int control_socket = -1;
  std::vector<int> askers;  // clients of the control socket that wait for the outcome

  std::uint64_t generation = 1;       // that serves
  std::uint64_t last_generation = 1;  // the highest number given out
  ProcessId last_process = 0;
  std::uint32_t workers = 1;  // of the configuration that serves, as it was changed by signals
  std::uint32_t wanted = 1;   // now
  std::vector<HandedEndpoint> endpoints;
  std::vector<HandedProcess> processes;
  std::string sources;  // of the configuration that serves: config::Sources::packed()

  std::string text() const;
  /// Fails, with words, for what is no handover or one of a format that is not known.
  static Result<Handover> parse(std::string_view text);

  /// Every descriptor in it.
  std::vector<int> descriptors() const;
};

}  // namespace holdfast::master
