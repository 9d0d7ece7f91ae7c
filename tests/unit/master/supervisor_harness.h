// Drives a Supervisor as the master would, with time in the test's hand: keeps the actions and the processes
// that they started, so that tests speak of slots and generations instead of process numbers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "master/supervisor.h"

namespace holdfast::master {

using namespace std::chrono_literals;

inline Settings two_workers() {
  return {2, false, 30s, 10s, {50ms, 10s}, 2};
}

class SupervisorHarness {
 public:
  explicit SupervisorHarness(const Settings& settings = two_workers()) : supervisor(settings) { tick(); }

  void tell(const Event& event) {
    last.clear();
    take(event);
  }
  void tick() { tell(event::Tick{}); }
  /// Lets time pass, waking the machine whenever it asked for it.
  void pass(Milliseconds span) {
    const TimePoint end = now + span;
    while (supervisor.next_deadline() <= end) {
      now = std::max(now, supervisor.next_deadline());
      tick();
    }
    now = end;
  }
  void ready(ProcessId id) { tell(event::ProcessReady{id}); }
  void exited(ProcessId id) { tell(event::ProcessExited{id, "exit code 1"}); }
  void reload(const Settings& settings) {
    tell(event::ReloadRequested{});
    tell(event::ReloadPrepared{settings});
  }

  /// The process started last in a slot.
  ProcessId newest(std::uint32_t slot) const {
    for (auto it = started.rbegin(); it != started.rend(); ++it)
      if (it->slot == slot) return it->id;
    return 0;
  }
  void all_ready() {
    for (const action::Start& start : std::vector(started)) ready(start.id);
  }

  template <class Kind>
  std::size_t count(const std::vector<Action>& actions) const {
    return static_cast<std::size_t>(std::count_if(
        actions.begin(), actions.end(), [](const Action& a) { return std::holds_alternative<Kind>(a); }));
  }
  template <class Kind>
  std::size_t last_count() const {
    return count<Kind>(last);
  }
  template <class Kind>
  std::size_t total() const {
    return count<Kind>(all);
  }
  /// The first action of a kind among the last ones; the test fails when there is none.
  template <class Kind>
  Kind last_of() const {
    for (const Action& action : last)
      if (const auto* found = std::get_if<Kind>(&action)) return *found;
    ADD_FAILURE() << "no such action";
    return {};
  }
  template <class Kind>
  bool last_has(ProcessId id) const {
    return std::any_of(last.begin(), last.end(), [id](const Action& action) {
      const auto* found = std::get_if<Kind>(&action);
      return found != nullptr && found->id == id;
    });
  }

  /// Workers that are told to drain say at once that they accept nothing more.
  bool drains_are_confirmed = true;
  TimePoint now = TimePoint{} + 1h;
  Supervisor supervisor;
  std::vector<Action> last;
  std::vector<Action> all;
  std::vector<action::Start> started;

 private:
  void take(const Event& event) {
    std::vector<ProcessId> told;
    for (const Action& action : supervisor.handle(event, now)) {
      last.push_back(action);
      all.push_back(action);
      if (const auto* start = std::get_if<action::Start>(&action)) started.push_back(*start);
      if (const auto* drain = std::get_if<action::Drain>(&action)) told.push_back(drain->id);
    }
    if (!drains_are_confirmed) return;
    for (const ProcessId id : told) take(event::ProcessClosed{id});
  }
};

}  // namespace holdfast::master
