// The worker's http::Packer: the libraries of encoder.h, counted.
#pragma once

#include "common/stats/worker_stats.h"
#include "worker/http/packer.h"

namespace holdfast::filters {

class CodecPacker final : public http::Packer {
 public:
  /// `stats` outlives the packer.
  explicit CodecPacker(stats::WorkerStats& stats) : stats_(stats) {}
  bool knows(Coding coding) const override;
  std::optional<std::string> pack(Coding coding, std::uint32_t gzip_level,
                                  std::string_view content) const override;
  void count(Coding coding, std::size_t in, std::size_t out) override;

 private:
  stats::WorkerStats& stats_;
};

}  // namespace holdfast::filters
