// One slot of the server: the place of a worker, in which processes come and go. Data only; the supervisor owns
// all slots and is the only one that changes them.
//
//   process:  Starting -> Ready -> Draining -> Finishing -> Quitting -> Killing      each but Ready has a
//   deadline that
//                \________________________________________/                          leads to the next state on
//                the right
//   Ready, Draining or Finishing -> Hung -> Aborting -> Killing     Hung -> Draining when it moves again
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/stats/stats_segment.h"
#include "master/respawn_policy.h"

namespace holdfast::master {

/// Names one process for the whole life of the master; unlike a pid it is never used twice.
using ProcessId = std::uint64_t;

enum class ProcessState : std::uint8_t {
  Starting,   // until it says Ready, or its start deadline
  Ready,      // serving
  Draining,   // finishes what is open, until its drain deadline
  Finishing,  // pushed out early: too many generations drain at once
  Quitting,   // told to leave at once
  Hung,       // stands still; to be aborted once another one serves in its place, or at its deadline
  Aborting,   // SIGABRT sent: it writes down where it stands
  Killing     // SIGKILL sent; only its end is awaited
};

struct SlotProcess {
  ProcessId id = 0;
  std::uint64_t generation = 0;
  ProcessState state = ProcessState::Starting;
  TimePoint started{};
  TimePoint ready_at = kNever;  // kNever: it never was
  TimePoint deadline = kNever;
  bool was_hung = false;
  bool accepting = true;  // until it says, once told to drain, that it takes no new connection
  std::string problem;    // what it reported with Failed
  ErrorKind problem_kind = ErrorKind::Unavailable;
};

/// What a slot looks like from outside, derived from its processes.
enum class SlotState : std::uint8_t { Empty, Starting, Ready, Draining, Killing, BackingOff };

struct WorkerSlot {
  std::uint32_t index = 0;
  bool wanted = true;
  std::optional<SlotProcess> current;    // serves the slot, or is starting to
  std::optional<SlotProcess> successor;  // of the generation that a reload is starting
  std::vector<SlotProcess> retiring;
  RespawnHistory history;
  TimePoint start_at = TimePoint::min();  // not before then is the next process started
  std::string last_problem;               // why its last process never became ready

  bool is_admin() const { return index == stats::kAdminSlot; }
  SlotState state(TimePoint now) const;
};

inline SlotState WorkerSlot::state(TimePoint now) const {
  if (current) {
    switch (current->state) {
      case ProcessState::Starting:
        return SlotState::Starting;
      case ProcessState::Ready:
        return SlotState::Ready;
      case ProcessState::Draining:
      case ProcessState::Finishing:
        return SlotState::Draining;
      case ProcessState::Quitting:
      case ProcessState::Hung:
      case ProcessState::Aborting:
      case ProcessState::Killing:
        return SlotState::Killing;
    }
  }
  if (wanted && start_at > now) return SlotState::BackingOff;
  return retiring.empty() ? SlotState::Empty : SlotState::Draining;
}

}  // namespace holdfast::master
