#include "worker/handlers/file_cache.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ctime>
#include <optional>
#include <utility>

#include "common/text_hash.h"

namespace holdfast::handlers {

using Outcome = FileLookup::Outcome;

/// A path after its look-up on disk. For Outcome::File `fd` is a regular file, for Directory the directory.
struct FileCache::Resolved {
  Outcome outcome = Outcome::Missing;
  Fd fd;
  FileIdentity identity;
  std::string name;  // of an index file, when that is what was found
};

namespace {

constexpr int kReadAttempts = 2;

Outcome outcome_of(int code) {
  switch (code) {
    case EACCES:
    case EPERM:
    case ENXIO:  // a socket, or a device without a driver
    case ENODEV:
      return Outcome::Forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EINTR:
    case EIO:
      return Outcome::Unavailable;
    default:
      return Outcome::Missing;
  }
}

bool names_hidden(std::string_view path) {
  constexpr std::string_view kWellKnown = "/.well-known/";
  if (path.starts_with(kWellKnown)) path.remove_prefix(kWellKnown.size() - 1);
  return path.find("/.") != std::string_view::npos;
}

bool read_whole(int fd, char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

// File systems stamp changes with a clock of coarse ticks (some of whole seconds): a file that changed just now
// can change again without its times showing it.
bool may_change_unseen(const FileIdentity& identity) {
  constexpr std::int64_t kSettled = 1'500'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec < identity.changed_ns + kSettled;
}

}  // namespace

FileCache::FileCache(FileCacheLimits limits, const std::string& mime_table)
    : limits_(limits), mime_(mime_table), buckets_(std::bit_ceil(limits.entries * 2)) {}

FileCache::~FileCache() {
  while (oldest_) remove(oldest_);
}

Result<std::uint32_t> FileCache::add_tree(const config::FilesAction& action) {
  const auto same_root = [&](const Tree& tree) {
    return tree.path == action.root && tree.follow == action.follow_symlinks;
  };
  const auto same_tree = [&](const Tree& tree) { return same_root(tree) && tree.index == action.index; };
  const auto tree = std::find_if(trees_.begin(), trees_.end(), same_tree);
  if (tree != trees_.end()) return static_cast<std::uint32_t>(tree - trees_.begin());
  const auto sibling = std::find_if(trees_.begin(), trees_.end(), same_root);
  std::size_t root = roots_.size();
  if (sibling != trees_.end()) {
    root = sibling->root;
  } else {
    Result<DocumentRoot> opened = DocumentRoot::open(action.root, action.follow_symlinks, action.listing);
    if (!opened) return opened.error();
    roots_.push_back(std::move(*opened));
  }
  trees_.push_back({root, action.root, action.follow_symlinks, action.index});
  return static_cast<std::uint32_t>(trees_.size() - 1);
}

FileLookup FileCache::find(std::uint32_t tree, std::string_view path, TimePoint now) {
  const std::uint64_t hash = text_hash(path, tree);
  FileEntry* const known = lookup(hash, tree, path);
  if (!known || now >= known->check_after_) return find_on_disk(tree, path, now, hash, known);
  known->used_ = true;
  return {Outcome::File, known, Fd()};
}

FileLookup FileCache::find_on_disk(std::uint32_t tree, std::string_view path, TimePoint now, std::uint64_t hash,
                                   FileEntry* known) {
  if (names_hidden(path)) return {};
  roots_[trees_[tree].root].refresh(now);
  pinned_ = known;
  Resolved found = resolve(trees_[tree], path);
  const bool out_of_means = found.outcome == Outcome::Unavailable;
  const bool unchanged = found.outcome == Outcome::File && known && known->identity_ == found.identity;
  // Without the means to look again, what was right a second ago is better than an error.
  if (known && (out_of_means || (unchanged && !known->unsettled_))) {
    known->check_after_ = now + limits_.recheck;
    known->used_ = true;
    return {Outcome::File, known, Fd()};
  }
  if (known) remove(known);
  if (found.outcome != Outcome::File) return {found.outcome, nullptr, std::move(found.fd)};
  FileEntry* const entry = load(tree, path, found);
  insert(entry, hash, now);
  return {Outcome::File, entry, Fd()};
}

FileCache::Resolved FileCache::resolve(const Tree& tree, std::string_view path) {
  if (path.ends_with('/')) return resolve_index(tree, path);
  Resolved found = examine(open(tree, path), path);
  if (found.outcome == Outcome::Directory) {
    found.outcome = Outcome::NeedsSlash;
    found.fd.reset();
  }
  return found;
}

FileCache::Resolved FileCache::resolve_index(const Tree& tree, std::string_view directory) {
  for (const std::string& index : tree.index) {
    std::string candidate(directory);
    candidate += index;
    Resolved found = examine(open(tree, candidate), candidate);
    found.name = index;
    if (found.outcome != Outcome::Missing && found.outcome != Outcome::Directory) return found;
  }
  return examine(open(tree, directory), directory);
}

FileCache::Resolved FileCache::examine(OpenedPath opened, std::string_view path) {
  Resolved found;
  struct stat status {};
  if (!opened.fd || ::fstat(opened.fd.get(), &status) != 0) {
    found.outcome = outcome_of(opened.fd ? errno : opened.code);
    return found;
  }
  found.fd = std::move(opened.fd);
  found.identity = FileIdentity::of(status);
  if (S_ISDIR(status.st_mode))
    found.outcome = Outcome::Directory;
  else
    found.outcome = S_ISREG(status.st_mode) && !path.ends_with('/') ? Outcome::File : Outcome::Forbidden;
  return found;
}

/// Opens; when descriptors have run out, gives up cached ones first.
OpenedPath FileCache::open(const Tree& tree, std::string_view path) {
  OpenedPath opened = roots_[tree.root].open_beneath(path);
  if ((opened.code == EMFILE || opened.code == ENFILE) && evict_descriptor())
    opened = roots_[tree.root].open_beneath(path);
  return opened;
}

/// Content is taken whole between two equal looks at the file; if it does not hold still, it is sent from the
/// descriptor.
FileEntry* FileCache::load(std::uint32_t tree, std::string_view path, Resolved& file) {
  const std::string_view name = file.name.empty() ? path : std::string_view(file.name);
  const std::string_view type = mime_.type_of(name);
  for (int attempt = 1;; ++attempt) {
    auto entry = std::make_unique<FileEntry>(path, tree, file.identity, type);
    entry->unsettled_ = may_change_unseen(file.identity);
    const bool small = file.identity.size <= limits_.content_of_one && attempt <= kReadAttempts;
    if (small && read_content(*entry, file.fd.get())) return entry.release();
    if (!small) {
      entry->fd_ = std::move(file.fd);
      return entry.release();
    }
    struct stat status {};
    if (::fstat(file.fd.get(), &status) == 0) file.identity = FileIdentity::of(status);
  }
}

bool FileCache::read_content(FileEntry& entry, int fd) {
  const auto size = static_cast<std::size_t>(entry.size());
  auto content = std::make_unique_for_overwrite<char[]>(std::max<std::size_t>(size, 1));
  struct stat after {};
  if (!read_whole(fd, content.get(), size) || ::fstat(fd, &after) != 0) return false;
  if (FileIdentity::of(after) != entry.identity_) return false;
  entry.content_ = std::move(content);
  return true;
}

const PackedForm* FileCache::packed(FileEntry& entry, Coding coding, http::Packer& packer,
                                    std::uint32_t gzip_level) {
  std::unique_ptr<PackedForm>& form = entry.packed_[static_cast<std::size_t>(coding)];
  if (!form) {
    if (entry.size() > limits_.packed_of_one) return nullptr;
    std::string read;
    std::string_view content;
    if (entry.in_memory()) {
      content = entry.content();
    } else {
      read.resize(static_cast<std::size_t>(entry.size()));
      struct stat after {};
      if (!read_whole(entry.fd(), read.data(), read.size()) || ::fstat(entry.fd(), &after) != 0) return nullptr;
      if (FileIdentity::of(after) != entry.identity_) return nullptr;
      content = read;
    }
    std::optional<std::string> packed = packer.pack(coding, gzip_level, content);
    if (!packed) return nullptr;
    if (packed->size() >= content.size()) packed->clear();
    form = std::make_unique<PackedForm>(entry.fields(), coding, std::move(*packed));
    entry.packed_bytes_ += form->content().size();
    content_bytes_ += form->content().size();
    pinned_ = &entry;
    make_room();
  }
  return form->is_useful() ? form.get() : nullptr;
}

FileEntry* FileCache::lookup(std::uint64_t hash, std::uint32_t tree, std::string_view path) const {
  for (FileEntry* entry = buckets_[hash & (buckets_.size() - 1)]; entry; entry = entry->next_in_bucket_)
    if (entry->hash_ == hash && entry->tree_ == tree && entry->key_ == path) return entry;
  return nullptr;
}

void FileCache::insert(FileEntry* entry, std::uint64_t hash, TimePoint now) {
  entry->hash_ = hash;
  entry->check_after_ = now + limits_.recheck;
  FileEntry*& bucket = buckets_[hash & (buckets_.size() - 1)];
  entry->next_in_bucket_ = bucket;
  bucket = entry;
  enqueue(entry);
  ++count_;
  if (entry->in_memory())
    content_bytes_ += entry->size();
  else
    ++descriptors_;
  pinned_ = entry;
  make_room();
}

/// Takes an entry out; it lives on while bodies hold it.
void FileCache::remove(FileEntry* entry) {
  FileEntry** link = &buckets_[entry->hash_ & (buckets_.size() - 1)];
  while (*link != entry) link = &(*link)->next_in_bucket_;
  *link = entry->next_in_bucket_;
  unlink(entry);
  --count_;
  if (entry->in_memory())
    content_bytes_ -= entry->size();
  else
    --descriptors_;
  content_bytes_ -= entry->packed_bytes_;
  entry->release();
}

void FileCache::enqueue(FileEntry* entry) {
  entry->older_ = newest_;
  entry->newer_ = nullptr;
  (newest_ ? newest_->newer_ : oldest_) = entry;
  newest_ = entry;
}

void FileCache::unlink(FileEntry* entry) {
  (entry->older_ ? entry->older_->newer_ : oldest_) = entry->newer_;
  (entry->newer_ ? entry->newer_->older_ : newest_) = entry->older_;
}

void FileCache::make_room() {
  while (count_ > 1 && (count_ > limits_.entries || content_bytes_ > limits_.content_bytes)) evict_one();
  while (count_ > 1 && descriptors_ > limits_.descriptors && evict_descriptor()) continue;
}

// Second chance: an entry used since it was last looked at goes back to the end of the queue. A hit costs one
// store, not a move in a list.
void FileCache::evict_one() {
  while (true) {
    FileEntry* const entry = oldest_;
    if (entry != pinned_ && !std::exchange(entry->used_, false)) return remove(entry);
    unlink(entry);
    enqueue(entry);
  }
}

/// Removes the oldest entry that holds a descriptor. False when there is none to spare.
bool FileCache::evict_descriptor() {
  for (FileEntry* entry = oldest_; entry; entry = entry->newer_) {
    if (entry->in_memory() || entry == pinned_) continue;
    remove(entry);
    return true;
  }
  return false;
}

}  // namespace holdfast::handlers
