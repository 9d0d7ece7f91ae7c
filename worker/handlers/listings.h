// Answers with the listing of a directory: one that was rendered a moment ago, or one that a thread of the pool
// renders, since thousands of names take their time. All who ask for the same one meanwhile wait for the same
// work. Owned by the file cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/api/exchange.h"
#include "common/api/work.h"
#include "common/fd.h"
#include "common/result.h"
#include "worker/handlers/document_root.h"
#include "worker/handlers/listing_cache.h"

namespace holdfast::handlers {

class Listings {
 public:
  Listings() = default;
  Listings(const Listings&) = delete;
  Listings& operator=(const Listings&) = delete;

  /// Renders in threads of `pool` from now on; without one at once. `pool` outlives the exchanges.
  void render_in(api::WorkPool& pool) { pool_ = &pool; }

  /// Answers, now or later, with what is in `directory`, which the path of the request names in `tree`. `root`
  /// is needed for the call only.
  void send(api::Exchange& exchange, std::uint32_t tree, const DocumentRoot& root, Fd directory);

  ListingCache& cache() { return cache_; }

 private:
  class Rendering;
  class Waiter;

  void wait_for(Rendering& rendering, api::Exchange& exchange);
  void on_rendered(Rendering& rendering, Result<std::string> text);

  // Each may keep a thread busy for some ten milliseconds, which other work wants to use, too.
  static constexpr std::size_t kMostAtOnce = 8;
  ListingCache cache_;
  api::WorkPool* pool_ = nullptr;
  std::vector<Rendering*> renderings_;  // owned by the pool till they are done
};

}  // namespace holdfast::handlers
