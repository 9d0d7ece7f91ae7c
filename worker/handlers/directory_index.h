// The listing of a directory: what a visitor may see of it, as a page or as JSON. Bounded, so that one huge
// directory costs neither memory nor time without end.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"
#include "common/result.h"
#include "worker/handlers/document_root.h"

namespace holdfast::handlers {

inline constexpr std::size_t kMaxListed = 10'000;

struct ListedFile {
  std::string name;
  bool directory = false;
  std::uint64_t size = 0;
  std::time_t modified = 0;
};

struct Listing {
  std::vector<ListedFile> files;  // directories first, then by name
  bool cut = false;               // there is more than kMaxListed
};

/// Reads `directory`, which the decoded request path `path` (ending with '/') names. Left out: names that begin
/// with a dot, what is neither file nor directory, and symlinks that `root` would not follow.
Result<Listing> list_directory(Fd directory, const DocumentRoot& root, std::string_view path);

/// A complete page; names escaped, links relative.
std::string listing_html(const Listing& listing, std::string_view path);
/// {"path":"/x/","entries":[{"name":"a","type":"file","size":1,"modified":"2026-01-31T12:00:00Z"}],"cut":false}
std::string listing_json(const Listing& listing, std::string_view path);

}  // namespace holdfast::handlers
