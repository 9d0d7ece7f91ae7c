// Serves files of a document root: GET and HEAD, conditionals, ranges, index files, listings, the slash form of
// directories. One for each route; what it knows of files is in the worker's FileCache.
//
// Segments that begin with a dot are not served, except below /.well-known/ (FileCache::find says why).
#pragma once

#include <cstdint>
#include <vector>

#include "common/api/handler.h"
#include "config/config.h"
#include "worker/handlers/file_cache.h"

namespace holdfast::handlers {

class StaticFile final : public api::Handler {
 public:
  /// `tree` comes from files.add_tree(); `files` and `packer` outlive the handler. Without a packer files go as
  /// they are.
  StaticFile(FileCache& files, std::uint32_t tree, bool listing, const config::Compression& compression = {},
             http::Packer* packer = nullptr);
  void handle(api::Exchange& exchange) override;

 private:
  bool comes_packed(FileEntry& entry) const;
  void send_file(api::Exchange& exchange, FileEntry& entry) const;
  const PackedForm* packed_form(const api::Request& request, FileEntry& entry) const;
  void send_listing(api::Exchange& exchange, Fd directory);

  FileCache& files_;
  const std::uint32_t tree_;
  const bool listing_;
  const config::Compression compression_;
  http::Packer* const packer_;
  std::vector<Coding> offer_;  // empty: nothing is packed
};

}  // namespace holdfast::handlers
