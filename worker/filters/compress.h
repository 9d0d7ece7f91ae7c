// Compresses what handlers answer while it is sent: a short body at once, a stream or a file piece by piece,
// with a flush whenever a source has nothing more for now.
#pragma once

#include <vector>

#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/filters/encoder.h"
#include "worker/http/response_filter.h"

namespace holdfast::filters {

class Compress final : public http::ResponseFilter {
 public:
  /// What compressed responses of one coding share. Outlives the responses.
  struct Means {
    EncoderPool& pool;
    stats::WorkerStats& stats;
  };

  Compress(const config::Compression& settings, const Means& means);
  void apply(http::Exchange& exchange, http::Response& response) const override;

 private:
  bool is_candidate(const http::Response& response) const;
  static void confirm(http::Exchange& exchange, http::Response& response);
  void encode(http::Exchange& exchange, http::Response& response, Coding coding) const;

  const config::Compression settings_;
  std::vector<Coding> offer_;  // of settings_.encodings, what this build knows
  const Means means_;
};

}  // namespace holdfast::filters
