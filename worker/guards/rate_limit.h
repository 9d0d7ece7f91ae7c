// rate_limit: refuses what a client asks beyond its rate with 429 (RFC 6585 section 4) and Retry-After. The
// count is shared by all workers and survives reloads: it belongs to the names of site and route and to the
// settings, so that a changed limit begins anew. Its memory is the master's (common/limits); algorithm and what
// an attacker can do to it are described in common/limits/arrival_table.h.
#pragma once

#include <span>
#include <string_view>

#include "common/limits/shared_limits.h"
#include "common/log.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

class RateLimit final : public http::RequestGuard {
 public:
  /// For a route that has a limit. All references outlive the guard; `lines`: how often refusals are logged.
  RateLimit(const config::Site& site, const config::Route& route, const limits::SharedLimits& limits,
            stats::WorkerStats& stats, LogRate& lines);
  http::Verdict admit(http::Exchange& exchange) const override;

 private:
  std::uint64_t key_of(http::Exchange& exchange) const;
  void refuse(http::Exchange& exchange, std::uint64_t wait) const;

  const config::Site& site_;
  const config::Route& route_;
  const config::RateLimit& limit_;
  const limits::SharedLimits& limits_;
  limits::Pace pace_;
  std::span<limits::Bucket> table_;
  HashSecret by_address_;
  HashSecret by_header_;
  stats::Cell refused_;
  LogRate& lines_;
};

}  // namespace holdfast::guards
