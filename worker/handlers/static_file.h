// Serves files of a document root: GET and HEAD, conditionals, ranges, index files, listings, the slash form of
// directories. One for each route; what it knows of files is in the worker's FileCache.
//
// Segments that begin with a dot are not served, except below /.well-known/ (FileCache::find says why).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/api/handler.h"
#include "config/config.h"
#include "worker/handlers/file_cache.h"

namespace holdfast::handlers {

class StaticFile final : public api::Handler {
 public:
  /// `tree` comes from files.add_tree(action); `files` and `packer` outlive the handler. Without a packer files
  /// go as they are, or as their siblings are.
  StaticFile(FileCache& files, std::uint32_t tree, const config::FilesAction& action,
             const config::Compression& compression = {}, http::Packer* packer = nullptr);
  void handle(api::Exchange& exchange) override;

 private:
  bool comes_packed(FileEntry& entry) const;
  void send_file(api::Exchange& exchange, FileEntry& entry) const;
  PackedLookup packed_form(const api::Request& request, FileEntry& entry) const;
  PackedLookup best_form(const api::Request& request, FileEntry& entry) const;
  void fall_back(api::Exchange& exchange, std::uint16_t status) const;

  FileCache& files_;
  const std::uint32_t tree_;
  const bool listing_;
  const config::Compression compression_;
  http::Packer* const packer_;
  std::vector<Coding> offer_;       // each once; empty: nothing is packed
  std::vector<Coding> ready_made_;  // kinds of siblings, each once
  const std::vector<std::string> fallbacks_;
};

}  // namespace holdfast::handlers
