// Files of one worker, by (tree, request path): a hit costs no system call and no allocation. What is known is
// checked against the disk at most about once a second, so new content is served within a second of its change.
// Bounded by entries, content bytes and descriptors. Owned by Shared; entries outlive it while bodies hold
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "config/config.h"
#include "worker/handlers/document_root.h"
#include "worker/handlers/file_entry.h"
#include "worker/handlers/mime_types.h"
#include "worker/http/packer.h"

namespace holdfast::handlers {

struct FileCacheLimits {
  std::size_t entries = 4096;
  std::size_t content_bytes = std::size_t{64} << 20;
  std::size_t descriptors = 1024;
  std::uint64_t content_of_one = 64 * 1024;  // bigger files are sent from their descriptor
  std::uint64_t packed_of_one =
      128 * 1024;  // bigger ones would keep the loop from others while they are packed
  // A little under a second, for loop turns that come late.
  Duration recheck = std::chrono::milliseconds(950);
};

struct FileLookup {
  enum class Outcome : std::uint8_t {
    File,         // `entry`
    NeedsSlash,   // a directory asked for without its final slash
    Directory,    // a directory without index file: `directory` to list it
    Missing,      // nothing there, or nothing that may be seen
    Forbidden,    // not readable, or neither file nor directory
    Unavailable,  // out of descriptors or memory: worth another try
  };
  Outcome outcome = Outcome::Missing;
  FileEntry* entry = nullptr;  // valid until the next call of the cache; hold() to keep it longer
  Fd directory;
};

class FileCache {
 public:
  explicit FileCache(FileCacheLimits limits = {}, const std::string& mime_table = "/etc/mime.types");
  ~FileCache();
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  /// Opens the document root of an action and returns the tree's number; actions with the same root, policy and
  /// index files share one.
  Result<std::uint32_t> add_tree(const config::FilesAction& action);

  /// What the decoded request path `path` (begins with '/') names in `tree`. Segments that begin with a dot are
  /// Missing, but for a leading "/.well-known/": .git and .env are in many a root, and nobody wants them
  /// served.
  FileLookup find(std::uint32_t tree, std::string_view path, TimePoint now);

  /// The content of `entry`, which find() has just given, in `coding`; made now if it is not there yet. Null
  /// when the file is too big for that, cannot be read, or gains nothing. Lives as long as the entry.
  const PackedForm* packed(FileEntry& entry, Coding coding, http::Packer& packer, std::uint32_t gzip_level);

  const DocumentRoot& root(std::uint32_t tree) const { return roots_[trees_[tree].root]; }

  std::size_t size() const { return count_; }
  std::size_t content_bytes() const { return content_bytes_; }
  std::size_t descriptors() const { return descriptors_; }

 private:
  struct Tree {
    std::size_t root = 0;
    std::string path;
    config::FollowSymlinks follow{};
    std::vector<std::string> index;
  };
  struct Resolved;

  FileLookup find_on_disk(std::uint32_t tree, std::string_view path, TimePoint now, std::uint64_t hash,
                          FileEntry* known);
  Resolved resolve(const Tree& tree, std::string_view path);
  Resolved resolve_index(const Tree& tree, std::string_view directory);
  Resolved examine(OpenedPath opened, std::string_view path);
  OpenedPath open(const Tree& tree, std::string_view path);
  FileEntry* load(std::uint32_t tree, std::string_view path, Resolved& file);
  bool read_content(FileEntry& entry, int fd);

  FileEntry* lookup(std::uint64_t hash, std::uint32_t tree, std::string_view path) const;
  void insert(FileEntry* entry, std::uint64_t hash, TimePoint now);
  void remove(FileEntry* entry);
  void enqueue(FileEntry* entry);
  void unlink(FileEntry* entry);
  void make_room();
  void evict_one();
  bool evict_descriptor();

  const FileCacheLimits limits_;
  const MimeTypes mime_;
  std::vector<DocumentRoot> roots_;
  std::vector<Tree> trees_;
  std::vector<FileEntry*> buckets_;
  FileEntry* newest_ = nullptr;
  FileEntry* oldest_ = nullptr;
  const FileEntry* pinned_ = nullptr;  // the entry in hand: never evicted
  std::size_t count_ = 0;
  std::size_t content_bytes_ = 0;
  std::size_t descriptors_ = 0;
};

}  // namespace holdfast::handlers
