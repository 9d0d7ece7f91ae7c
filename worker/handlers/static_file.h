// Serves files of a document root: GET and HEAD, conditionals, ranges, index files, listings, the slash form of
// directories. One for each route; what it knows of files is in the worker's FileCache.
//
// Segments that begin with a dot are not served, except below /.well-known/ (FileCache::find says why).
#pragma once

#include <cstdint>

#include "common/api/handler.h"
#include "config/config.h"
#include "worker/handlers/file_cache.h"

namespace holdfast::handlers {

class StaticFile final : public api::Handler {
 public:
  /// `tree` comes from files.add_tree(); `files` outlives the handler.
  StaticFile(FileCache& files, std::uint32_t tree, bool listing)
      : files_(files), tree_(tree), listing_(listing) {}
  void handle(api::Exchange& exchange) override;

 private:
  void send_listing(api::Exchange& exchange, Fd directory);

  FileCache& files_;
  const std::uint32_t tree_;
  const bool listing_;
};

}  // namespace holdfast::handlers
