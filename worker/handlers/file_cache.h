// Files of one worker, by (tree, request path): a hit costs no system call and no allocation. What is known is
// checked against the disk at most about once a second, so new content is served within a second of its change,
// and at once when the change is told (directory_watch.h).
// Bounded by entries, content bytes and descriptors. Owned by Shared; entries outlive it while bodies hold
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/work.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/handlers/directory_watch.h"
#include "worker/handlers/document_trees.h"
#include "worker/handlers/file_entry.h"
#include "worker/handlers/file_packing.h"
#include "worker/handlers/listings.h"
#include "worker/handlers/mime_types.h"
#include "worker/http/packer.h"

namespace holdfast::handlers {

struct FileCacheLimits {
  std::size_t entries = 4096;
  std::size_t content_bytes = std::size_t{64} << 20;
  std::size_t descriptors = 1024;
  std::size_t watches = 256;  // of directories; entries in further ones are checked by time alone
  std::uint64_t content_of_one = 64 * 1024;  // bigger files are sent from their descriptor
  // Up to here they have a copy in memory besides, if somebody needs one.
  std::uint64_t copied_of_one = 128 * 1024;
  // Packing takes a thread about a second for so much, and the memory twice; bigger text is rare.
  std::uint64_t packed_of_one = std::uint64_t{8} << 20;
  std::uint64_t packed_at_once =
      4096;  // well under a millisecond: less than the way to a thread and back is worth
  // A little under a second, for loop turns that come late.
  Duration recheck = std::chrono::milliseconds(950);
  // A directory in which something is written all the time does not make its files be looked at more often.
  Duration told_recheck = std::chrono::milliseconds(50);
  Duration settled = kSettled;
};

struct FileLookup {
  using Outcome = PathOutcome;
  Outcome outcome = Outcome::Missing;
  // For File. Valid until the next call of the cache; hold() to keep it longer.
  FileEntry* entry = nullptr;
  Fd directory;  // for Directory: to list it
};

struct PackedLookup {
  const PackedForm* form = nullptr;  // lives as long as the entry
  bool pending = false;  // there may be one later, in `coding`; till then the content is as good to send
  Coding coding{};
};

class FileCache final : private PackingOwner {
 public:
  explicit FileCache(FileCacheLimits limits = {}, const std::string& mime_table = "/etc/mime.types");
  ~FileCache();
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  /// Does what takes longer (packing, listings) in threads of `pool`; without one all is done at once. `pool`
  /// outlives the cache's use in the loop.
  void work_in(api::WorkPool& pool) {
    pool_ = &pool;
    listings_.render_in(pool);
  }
  /// Counts in `stats` from now on, which outlives the cache.
  void count_in(stats::WorkerStats& stats);

  bool has_trees() const { return trees_.count() > 0; }

  /// From now on changes of files are told. The descriptor is readable when take_changes() has something to do;
  /// it is the cache's. -1: the system has none to give, and only time tells.
  int watch_files() {
    watch_.open();
    return watch_.fd();
  }
  void take_changes();

  Result<std::uint32_t> add_tree(const config::FilesAction& action) { return trees_.add(action); }

  /// What the decoded request path `path` (begins with '/') names in `tree`. Segments that begin with a dot are
  /// Missing, but for a leading "/.well-known/": .git and .env are in many a root, and nobody wants them
  /// served.
  FileLookup find(std::uint32_t tree, std::string_view path, TimePoint now);

  /// The content of `entry`, which find() has just given, in `coding`: a form that is there, or one that is
  /// made now, or in a thread for later requests. Nobody waits for it: one file is packed at a time, and one
  /// that is asked for meanwhile has its turn at a later request. No form, and none pending, when the file is
  /// too big, cannot be read, or gains nothing; that is remembered.
  PackedLookup packed(FileEntry& entry, Coding coding, http::Packer& packer, std::uint32_t gzip_level);

  /// The content of `entry`, which find() has just given, as a copy in memory, for who cannot send it from its
  /// descriptor. Made when it is asked for the second time: most files of a crawl are not. Empty: not yet, it
  /// is in_memory() anyway, is too big, has changed meanwhile, or so recently that another change could hide.
  std::string_view copy_of(FileEntry& entry);

  const DocumentRoot& root(std::uint32_t tree) const { return trees_.root(tree); }
  Listings& listings() { return listings_; }
  std::uint64_t packed_of_one() const { return limits_.packed_of_one; }

  std::size_t size() const { return count_; }
  std::size_t content_bytes() const { return content_bytes_; }
  std::size_t descriptors() const { return descriptors_; }

 private:
  struct Counters {
    stats::Cell hit, checked, changed, miss;
    stats::Cell entries, bytes;
  };

  FileLookup find_on_disk(std::uint32_t tree, std::string_view path, TimePoint now, std::uint64_t hash,
                          FileEntry* known);
  ResolvedPath resolve(std::uint32_t tree, std::string_view path);
  bool needs_look(FileEntry& known, TimePoint now) const;
  bool may_keep(FileEntry& known, const ResolvedPath& found) const;
  bool holds_the_same(const FileEntry& known, int fd) const;
  FileEntry* load(std::uint32_t tree, std::string_view path, ResolvedPath& found);
  bool read_content(FileEntry& entry, int fd);
  void load_siblings(FileEntry& entry, ResolvedPath& found) const;
  void watch(FileEntry& entry);
  void forget_watch(FileEntry& entry);

  void on_packed(FileEntry& entry, Coding coding, std::string packed) override;
  void keep(FileEntry& entry, Coding coding, std::string packed);
  void count_further(FileEntry& entry, std::size_t bytes);

  FileEntry* lookup(std::uint64_t hash, std::uint32_t tree, std::string_view path) const;
  void insert(FileEntry* entry, std::uint64_t hash, TimePoint now);
  void remove(FileEntry* entry);
  void enqueue(FileEntry* entry);
  void unlink(FileEntry* entry);
  void make_room();
  void evict_one();
  bool evict_descriptor();
  void show_size();

  const FileCacheLimits limits_;
  const MimeTypes mime_;
  DocumentTrees trees_;
  Listings listings_;
  DirectoryWatch watch_;
  api::WorkPool* pool_ = nullptr;
  bool packing_ = false;  // a thread is at it
  stats::Word uncounted_{0};
  Counters counters_;
  std::vector<FileEntry*> buckets_;
  FileEntry* newest_ = nullptr;
  FileEntry* oldest_ = nullptr;
  const FileEntry* pinned_ = nullptr;  // the entry in hand: never evicted
  std::size_t count_ = 0;
  std::size_t content_bytes_ = 0;
  std::size_t descriptors_ = 0;
};

}  // namespace holdfast::handlers
