// `rate_limit`: so many requests a client, counted by all workers together.
#pragma once

#include <cstdint>
#include <string>

#include "common/rate_table.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

class RateLimit final : public http::RequestGuard {
 public:
  /// `table` and `stats` outlive the guard. `identity` tells the limit from others, and is the same after a
  /// reload.
  RateLimit(const config::RateLimit& settings, std::string_view identity, const RateTable& table,
            stats::WorkerStats& stats, std::uint16_t site);
  /// 429 with Retry-After (RFC 6585 section 4) for what is too much.
  http::Verdict admit(http::Exchange& exchange) const override;

 private:
  const Rate rate_;
  const config::RateKey key_;
  const std::uint64_t limit_;
  const RateTable& table_;
  stats::Cell limited_;
};

}  // namespace holdfast::guards
