// What the master itself counts, in its own seat of the shared segment: workers by state, their ends by reason,
// reloads, the generation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/stats/worker_stats.h"
#include "master/exit_status.h"
#include "master/supervisor.h"
#include "master/worker_slot.h"

namespace holdfast::master {

class MasterStats {
 public:
  /// `segment` outlives this. `started`: empty when the counts of a predecessor go on.
  MasterStats(stats::Segment& segment, std::string_view config_file, std::optional<WallTime> started);

  void publish(const Supervisor& supervisor, TimePoint now);
  /// What the serving configuration allows.
  void show_limits(const config::Limits& limits);
  void count_end(stats::ExitReason reason);
  /// Lines of a dead worker that could not be written.
  void count_dropped_lines(std::uint64_t lines);
  /// The outcome of a reload of the configuration; `text`: the reasons of a refusal, one a line.
  void note_reload(bool successful, std::string_view text, WallTime when);

  void count_upgrade(bool successful);

  /// Both as indices of the segment's tables.
  void show_fused(std::uint16_t site, std::uint16_t route, bool fused);

  /// Of all certificates in use, by their files; others are taken back.
  void note_expiries(const std::vector<std::pair<std::string, WallTime>>& expiries);
  /// A change on disk, taken or refused.
  void count_certificate_change(bool taken);

 private:
  stats::Segment& segment_;
  stats::WorkerStats stats_;
  std::map<std::uint16_t, stats::Cell> expiries_;  // by the certificate's index
};

/// The reason under which an ended process is counted. `process`: as the supervisor knew it, or null.
stats::ExitReason reason_of(const SlotProcess* process, const ExitStatus& status);
/// A SIGKILL that is not from us.
bool killed_by_others(stats::ExitReason reason, const ExitStatus& status);

}  // namespace holdfast::master
