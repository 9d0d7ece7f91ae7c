// The document roots of a worker's routes, and what a request path names in one: a file, its index file, its
// ready-made siblings, or why there is none. Looks at the disk, remembers nothing of it. Owned by the file
// cache.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/coding.h"
#include "common/fd.h"
#include "common/result.h"
#include "config/config.h"
#include "worker/handlers/document_root.h"
#include "worker/handlers/file_entry.h"

namespace holdfast::handlers {

enum class PathOutcome : std::uint8_t {
  File,
  NeedsSlash,   // a directory asked for without its final slash
  Directory,    // a directory without index file
  Missing,      // nothing there, or nothing that may be seen
  Forbidden,    // not readable, or neither file nor directory
  Unavailable,  // out of descriptors or memory: worth another try
};

struct OpenedFile {
  Fd fd;
  FileIdentity identity;
};

/// A path after its look-up on disk. For PathOutcome::File `file` is a regular file, for Directory the
/// directory.
struct ResolvedPath {
  PathOutcome outcome = PathOutcome::Missing;
  bool out_of_descriptors = false;  // for the file, or for one of its siblings
  OpenedFile file;
  std::string name;                                // of an index file, when that is what was found
  std::array<OpenedFile, kCodings> siblings = {};  // without descriptor: there is none that may be served
};

class DocumentTrees {
 public:
  /// Opens the document root of an action and returns the tree's number; actions with the same root, policy,
  /// index files and kinds of siblings share one.
  Result<std::uint32_t> add(const config::FilesAction& action);

  /// What the decoded request path `path` (begins with '/') names in `tree`.
  ResolvedPath resolve(std::uint32_t tree, std::string_view path) const;

  /// Follows a root that was replaced; looks at most once per value of `now`.
  void refresh(std::uint32_t tree, TimePoint now) { roots_[trees_[tree].root].refresh(now); }

  std::size_t count() const { return trees_.size(); }
  const DocumentRoot& root(std::uint32_t tree) const { return roots_[trees_[tree].root]; }

 private:
  struct Tree {
    std::size_t root = 0;
    std::string path;
    config::FollowSymlinks follow{};
    std::vector<std::string> index;
    std::vector<Coding> precompressed;
  };

  ResolvedPath resolve_index(const Tree& tree, std::string_view directory) const;
  void add_siblings(const Tree& tree, std::string_view path, ResolvedPath& found) const;

  std::vector<DocumentRoot> roots_;
  std::vector<Tree> trees_;
};

}  // namespace holdfast::handlers
