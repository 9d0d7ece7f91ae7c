// Connections that are turned away, and those that are reset while in use: each is counted by its reason and
// told in the log, there at a bounded rate, since whoever causes them can cause many. One for each worker.
#pragma once

#include <array>
#include <string_view>

#include "common/log.h"
#include "common/stats/worker_stats.h"
#include "worker/net/peer_address.h"

namespace holdfast::net {

class Refusals {
 public:
  explicit Refusals(stats::WorkerStats& stats) : stats_(stats) {}

  /// `why` adds to the reason; may be empty.
  void refused(stats::RefusedReason reason, const PeerAddress& peer, std::string_view why, TimePoint now);
  void reset(stats::ResetReason reason, const PeerAddress& peer, std::string_view activity, TimePoint now);
  /// For what is told elsewhere.
  void count(stats::RefusedReason reason);

 private:
  struct Lines {
    LogRate rate{3, Milliseconds(10'000)};
  };

  stats::WorkerStats& stats_;
  std::array<Lines, static_cast<std::size_t>(stats::RefusedReason::kCount)> refused_lines_;
  std::array<Lines, static_cast<std::size_t>(stats::ResetReason::kCount)> reset_lines_;
};

}  // namespace holdfast::net
