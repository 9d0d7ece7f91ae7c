// The core of the master: a pure state machine over all worker slots. An event and the time go in, actions come
// out; it makes no system call and reads no clock, so every situation is a unit test. The master owns one,
// performs its actions in order, and wakes it by next_deadline() at the latest. After each event all slots are
// compared with what is wanted and repaired, so that a lost wake-up does no harm.
//
//   Starting --every slot ready or failed once--> Serving --reload asked--> Preparing --prepared--> Replacing
//       \--no worker could--> Stopping <--stop--   ^ ^ ^----------refused---------/                   /  |
//                                                 | \----------one failed or was late-------------/   |
//                                                 \--no old one accepts, or 1 s-- Settling <--all ready
//
// An upgrade is Preparing as well: while the new binary is tried, and then this process runs it, whose
// supervisor goes on from Serving, with a reload at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "config/config.h"
#include "master/worker_slot.h"

namespace holdfast::master {

/// What the supervisor needs to know of a configuration.
struct Settings {
  std::uint32_t workers = 1;
  bool admin = false;
  Milliseconds shutdown_timeout{};
  Milliseconds start_timeout{};
  config::Respawn respawn;
  std::uint32_t generations = 1;
};
Settings settings_of(const config::Config& config);

enum class StopMode : std::uint8_t { Graceful, Quick };

/// What a supervisor of another binary has left behind, while it served.
struct Past {
  struct Process {
    std::uint32_t slot = 0;
    bool current = false;  // serves the slot; else it is on its way out
    SlotProcess known;
  };
  std::uint64_t generation = 1;
  std::uint64_t last_generation = 1;  // the highest number given out
  ProcessId last_process = 0;
  std::vector<Process> processes;
};

namespace event {
struct ProcessReady {
  ProcessId id;
};
struct ProcessFailed {  // could not start; ends by itself soon
  ProcessId id;
  std::string problem;
  ErrorKind kind = ErrorKind::Unavailable;
};
struct ProcessClosed {  // told to drain, it accepts nothing any more
  ProcessId id;
};
struct ProcessExited {
  ProcessId id;
  std::string how;  // "killed by signal 9", for the reason of a failed reload
};
struct ProcessHung {  // its loop has stood still for too long
  ProcessId id;
};
struct ProcessMoves {  // again, before it was aborted
  ProcessId id;
};
struct Tick {};  // time has passed; also the very first event
struct ReloadRequested {};
struct WorkersRequested {  // by signal, until the next reload
  std::int32_t difference;
};
struct RenewalRequested {  // by a worker: the same again, but new
  ProcessId id;
  std::string path;  // where something new stands, which it cannot open
};
struct ReloadPrepared {
  Settings settings;
};
struct ReloadRefused {
  std::string reason;
  ErrorKind kind = ErrorKind::Unavailable;
};
struct UpgradeRequested {};
struct DrainWorkers {};  // and stay; a reload or one more worker starts them again
struct StopRequested {
  StopMode mode;
};
}  // namespace event
using Event =
    std::variant<event::ProcessReady, event::ProcessFailed, event::ProcessClosed, event::ProcessExited,
                 event::ProcessHung, event::ProcessMoves, event::Tick, event::ReloadRequested,
                 event::WorkersRequested, event::RenewalRequested, event::ReloadPrepared, event::ReloadRefused,
                 event::UpgradeRequested, event::DrainWorkers, event::StopRequested>;

namespace action {
struct Start {
  ProcessId id;
  std::uint32_t slot;
  std::uint64_t generation;
};
struct Drain {
  ProcessId id;
  Milliseconds deadline;
};
struct Finish {
  ProcessId id;
};
struct SendAway {  // one that drains: its lasting conversations end now
  ProcessId id;
};
struct Quit {
  ProcessId id;
};
struct Abort {  // make it write down where it stands, and die
  ProcessId id;
};
struct Kill {
  ProcessId id;
};
struct Overdue {  // for the log: a deadline has passed and the process is pushed on
  ProcessId id;
  ProcessState state;
};
struct HeldBack {  // for the log: the slot's next process starts only after a delay
  std::uint32_t slot;
  Milliseconds delay;
  std::uint32_t quick_deaths;
};
struct PrepareReload {};
struct PrepareWorkers {  // as a reload of the configuration that serves, with this number of workers
  std::uint32_t workers;
  std::string replaced;  // a path at which something new stands: why they are renewed; else empty
};
struct PrepareUpgrade {};  // answered by ReloadRefused, or by the end of this supervisor
struct Replaced {};        // the prepared configuration is the one that serves
struct ReloadSucceeded {   // every connection from now on is served by the new generation
  std::uint64_t generation;
  std::uint32_t workers;
};
struct ReloadFailed {  // after this the prepared configuration is dropped
  std::string reason;
  std::uint64_t kept_generation;
  ErrorKind kind = ErrorKind::Unavailable;
};
struct ServerReady {
  std::uint64_t generation;
  std::uint32_t workers;
  std::uint32_t wanted;
};
struct StartFailed {
  std::string reason;
};
struct Exit {};  // no process is left
}  // namespace action
using Action =
    std::variant<action::Start, action::Drain, action::Finish, action::SendAway, action::Quit, action::Abort,
                 action::Kill, action::Overdue, action::HeldBack, action::PrepareReload, action::PrepareWorkers,
                 action::PrepareUpgrade, action::Replaced, action::ReloadSucceeded, action::ReloadFailed,
                 action::ServerReady, action::StartFailed, action::Exit>;

class Supervisor {
 public:
  enum class Phase : std::uint8_t { Starting, Serving, Preparing, Replacing, Settling, Stopping };

  static constexpr std::uint32_t kMostWorkers = stats::kAdminSlot;

  explicit Supervisor(const Settings& settings);
  /// Goes on where another one has stopped; serving.
  Supervisor(const Settings& settings, const Past& past);

  /// Takes one event; answers what is to be done now, in this order.
  std::vector<Action> handle(const Event& event, TimePoint now);
  /// When a Tick is needed at the latest; kNever: only events matter.
  TimePoint next_deadline() const;

  Phase phase() const { return phase_; }
  std::uint64_t generation() const { return generation_; }
  /// For a successor that goes on from here; to be asked while nothing is being replaced.
  Past past() const;
  /// How many traffic workers should be serving.
  std::uint32_t wanted_workers() const;
  /// Processes of traffic slots by state, and slots that are backing off.
  struct Census {
    std::uint32_t starting = 0, ready = 0, draining = 0, backing_off = 0;
  };
  Census census(TimePoint now) const;
  /// The process, or null when it is not (or no longer) known. Valid until the next handle().
  const SlotProcess* find(ProcessId id) const;

 private:
  void on(const event::ProcessReady& e, TimePoint now);
  void on(const event::ProcessFailed& e, TimePoint now);
  void on(const event::ProcessClosed& e, TimePoint now);
  void on(const event::ProcessExited& e, TimePoint now);
  void on(const event::ProcessHung& e, TimePoint now);
  void on(const event::ProcessMoves& e, TimePoint now);
  void on(const event::Tick& e, TimePoint now);
  void on(const event::ReloadRequested& e, TimePoint now);
  void on(const event::WorkersRequested& e, TimePoint now);
  void on(const event::RenewalRequested& e, TimePoint now);
  void on(const event::ReloadPrepared& e, TimePoint now);
  void on(const event::ReloadRefused& e, TimePoint now);
  void on(const event::UpgradeRequested& e, TimePoint now);
  void on(const event::DrainWorkers& e, TimePoint now);
  void on(const event::StopRequested& e, TimePoint now);

  void reconcile(TimePoint now);
  void judge_start(TimePoint now);
  void judge_replacement(TimePoint now);
  void judge_settling(TimePoint now);
  void settle();
  void judge_stop(TimePoint now);
  void complete_replacement(TimePoint now);
  void fail_replacement(const std::string& reason, TimePoint now, ErrorKind kind = ErrorKind::Unavailable);
  void enter_serving();
  void fill_slots(TimePoint now);
  void abort_replaced(TimePoint now);
  void end_oldest_generations(TimePoint now);
  void forget_empty_slots();

  SlotProcess start(WorkerSlot& slot, std::uint64_t generation, const Settings& settings, TimePoint now);
  void current_died(WorkerSlot& slot, const event::ProcessExited& e, TimePoint now);
  void retire_current(WorkerSlot& slot, StopMode mode, TimePoint now);
  void drain(SlotProcess& process, Milliseconds deadline, TimePoint now);
  void quit(SlotProcess& process, TimePoint now);
  void abort(SlotProcess& process, TimePoint now);
  void kill(SlotProcess& process);
  void push_on_overdue(SlotProcess& process, TimePoint now);
  void want_slots(const Settings& settings);
  static bool wants(const Settings& settings, std::uint32_t slot);
  template <class Each>
  void for_each_process(Each each);
  SlotProcess* find(ProcessId id, WorkerSlot** slot);

  Settings settings_;
  Phase phase_ = Phase::Starting;
  bool reload_waiting_ = false;          // asked for while another was under way: one is remembered
  std::int32_t waiting_difference_ = 0;  // likewise of workers
  bool upgrade_waiting_ = false;         // likewise
  bool drain_waiting_ = false;           // likewise
  std::uint64_t generation_ = 1;
  std::uint64_t next_generation_ = 1;  // the highest number given out
  Settings next_settings_;
  TimePoint replacement_deadline_ = kNever;  // Replacing: of the successors; Settling: of the old ones' word
  ProcessId last_id_ = 0;
  std::map<std::uint32_t, WorkerSlot> slots_;
  std::vector<Action> actions_;
};

}  // namespace holdfast::master
