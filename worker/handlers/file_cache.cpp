#include "worker/handlers/file_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "common/text_hash.h"

namespace holdfast::handlers {

using Outcome = FileLookup::Outcome;

namespace {

constexpr int kReadAttempts = 2;

bool names_hidden(std::string_view path) {
  constexpr std::string_view kWellKnown = "/.well-known/";
  if (path.starts_with(kWellKnown)) path.remove_prefix(kWellKnown.size() - 1);
  return path.find("/.") != std::string_view::npos;
}

}  // namespace

FileCache::FileCache(FileCacheLimits limits, const std::string& mime_table)
    : limits_(limits), mime_(mime_table), watch_(limits.watches), buckets_(std::bit_ceil(limits.entries * 2)) {
  const stats::Cell nowhere(&uncounted_);
  counters_ = {nowhere, nowhere, nowhere, nowhere, nowhere, nowhere};
}

FileCache::~FileCache() {
  while (oldest_) remove(oldest_);
}

void FileCache::count_in(stats::WorkerStats& stats) {
  const auto requests = [&stats](stats::FileCacheResult result) {
    return stats.cell(stats::Metric::FileCacheRequests, static_cast<std::uint16_t>(result));
  };
  counters_ = {requests(stats::FileCacheResult::Hit),       requests(stats::FileCacheResult::Checked),
               requests(stats::FileCacheResult::Changed),   requests(stats::FileCacheResult::Miss),
               stats.cell(stats::Metric::FileCacheEntries), stats.cell(stats::Metric::FileCacheBytes)};
}

FileLookup FileCache::find(std::uint32_t tree, std::string_view path, TimePoint now) {
  const std::uint64_t hash = text_hash(path, tree);
  FileEntry* const known = lookup(hash, tree, path);
  if (!known || needs_look(*known, now)) return find_on_disk(tree, path, now, hash, known);
  counters_.hit.add();
  known->used_ = true;
  return {Outcome::File, known, Fd()};
}

// What is sent from a descriptor is what the file holds at that moment. So that it never goes out under the
// length and the ETag of an older state, a look at the file goes before, once a turn of the loop.
bool FileCache::needs_look(FileEntry& known, TimePoint now) const {
  if (now >= known.check_after_) return true;
  if (known.descriptors_ == 0 || known.looked_at_ == now) return false;
  known.looked_at_ = now;
  return !known.is_as_opened();
}

FileLookup FileCache::find_on_disk(std::uint32_t tree, std::string_view path, TimePoint now, std::uint64_t hash,
                                   FileEntry* known) {
  if (names_hidden(path)) {
    counters_.miss.add();
    return {};
  }
  trees_.refresh(tree, now);
  pinned_ = known;
  if (known) watch(*known);  // before the look: no change in between is missed
  ResolvedPath found = resolve(tree, path);
  if (known && may_keep(*known, found)) {
    counters_.checked.add();
    known->check_after_ = now + limits_.recheck;
    known->told_ = false;
    known->looked_at_ = now;
    known->used_ = true;
    return {Outcome::File, known, Fd()};
  }
  (known ? counters_.changed : counters_.miss).add();
  FileEntry* const entry = found.outcome == Outcome::File ? load(tree, path, found) : nullptr;
  if (known) remove(known);
  if (!entry) return {found.outcome, nullptr, std::move(found.file.fd)};
  entry->looked_at_ = now;
  insert(entry, hash, now);
  return {Outcome::File, entry, Fd()};
}

/// When descriptors have run out, gives up a cached one first.
ResolvedPath FileCache::resolve(std::uint32_t tree, std::string_view path) {
  ResolvedPath found = trees_.resolve(tree, path);
  if (found.out_of_descriptors && evict_descriptor()) found = trees_.resolve(tree, path);
  return found;
}

bool FileCache::may_keep(FileEntry& known, const ResolvedPath& found) const {
  // Without the means to look again, what was right a second ago is better than an error.
  if (found.outcome == Outcome::Unavailable) return known.descriptors_ == 0 || known.is_as_opened();
  if (found.outcome != Outcome::File || known.identity_ != found.file.identity) return false;
  for (std::size_t coding = 0; coding < kCodings; ++coding) {
    const PackedForm* const sibling = known.sibling(static_cast<Coding>(coding));
    const OpenedFile& now = found.siblings[coding];
    if ((sibling ? sibling->identity() : FileIdentity{}) != now.identity) return found.out_of_descriptors;
  }
  if (!known.unsettled_) return true;
  if (!known.in_memory() || known.has_siblings() || !holds_the_same(known, found.file.fd.get())) return false;
  known.unsettled_ = may_change_unseen(known.identity_, limits_.settled);
  return true;
}

bool FileCache::holds_the_same(const FileEntry& known, int fd) const {
  const auto content = std::make_unique_for_overwrite<char[]>(std::max<std::size_t>(known.content().size(), 1));
  return read_as(fd, known.identity_, content.get()) &&
         known.content() == std::string_view(content.get(), known.content().size());
}

/// Content is taken whole between two equal looks at the file; if it does not hold still, it is sent from the
/// descriptor.
FileEntry* FileCache::load(std::uint32_t tree, std::string_view path, ResolvedPath& found) {
  const std::string_view name = found.name.empty() ? path : std::string_view(found.name);
  const std::string_view type = mime_.type_of(name);
  for (int attempt = 1;; ++attempt) {
    OpenedFile& file = found.file;
    auto entry = std::make_unique<FileEntry>(path, tree, file.identity, type);
    entry->unsettled_ = may_change_unseen(file.identity, limits_.settled);
    watch(*entry);  // before its content is read: no change in between is missed
    const bool small = file.identity.size <= limits_.content_of_one && attempt <= kReadAttempts;
    if (small && !read_content(*entry, file.fd.get())) {
      struct stat status {};
      if (::fstat(file.fd.get(), &status) == 0) file.identity = FileIdentity::of(status);
      found.siblings = {};  // they were judged by another state
      forget_watch(*entry);
      continue;
    }
    if (!small) {
      entry->fd_ = std::move(file.fd);
      entry->descriptors_ = 1;
    }
    load_siblings(*entry, found);
    return entry.release();
  }
}

void FileCache::watch(FileEntry& entry) {
  if (entry.watch_ != DirectoryWatch::kNone) return watch_.arm(entry.watch_);
  if (watch_.fd() < 0) return;
  const std::string_view directory = std::string_view(entry.key_).substr(0, entry.key_.rfind('/') + 1);
  entry.watch_ = watch_.add(trees_.root(entry.tree_).open_beneath(directory).fd);
}

void FileCache::forget_watch(FileEntry& entry) {
  if (entry.watch_ != DirectoryWatch::kNone) watch_.remove(std::exchange(entry.watch_, DirectoryWatch::kNone));
}

void FileCache::take_changes() {
  const DirectoryWatch::Changes changes = watch_.take();
  if (changes.watches.empty() && !changes.lost) return;
  for (FileEntry* entry = newest_; entry != nullptr; entry = entry->older_) {
    if (entry->watch_ == DirectoryWatch::kNone || entry->told_) continue;
    entry->told_ = changes.lost || std::ranges::binary_search(changes.watches, entry->watch_);
    if (entry->told_) entry->check_after_ -= limits_.recheck - limits_.told_recheck;
  }
}

bool FileCache::read_content(FileEntry& entry, int fd) {
  auto content = std::make_unique_for_overwrite<char[]>(std::max<std::size_t>(entry.size(), 1));
  if (!read_as(fd, entry.identity_, content.get())) return false;
  entry.content_ = std::move(content);
  return true;
}

/// A sibling that does not hold still is left out: the next check finds that it is there.
void FileCache::load_siblings(FileEntry& entry, ResolvedPath& found) const {
  for (std::size_t i = 0; i < kCodings; ++i) {
    OpenedFile& file = found.siblings[i];
    if (!file.fd) continue;
    std::string content;
    if (file.identity.size <= limits_.content_of_one) {
      content.resize(static_cast<std::size_t>(file.identity.size));
      if (!read_as(file.fd.get(), file.identity, content.data())) continue;
      file.fd.reset();
    }
    entry.unsettled_ |= may_change_unseen(file.identity, limits_.settled);
    const auto coding = static_cast<Coding>(i);
    entry.add_sibling(coding, std::make_unique<PackedForm>(entry.fields(), coding, file.identity,
                                                           std::move(content), std::move(file.fd)));
  }
}

PackedLookup FileCache::packed(FileEntry& entry, Coding coding, http::Packer& packer,
                               std::uint32_t gzip_level) {
  std::unique_ptr<PackedForm>& form = entry.packed_[static_cast<std::size_t>(coding)];
  if (form) return {form->is_useful() ? form.get() : nullptr, false, coding};
  if (entry.size() > limits_.packed_of_one) return {};
  const auto packing = [&] {
    PackingOwner& owner = *this;
    return std::make_unique<FilePacking>(owner, entry, FilePacking::Order{coding, gzip_level}, packer);
  };
  if (pool_ == nullptr || entry.size() <= limits_.packed_at_once) {
    const bool elsewhere = packing_;
    const std::unique_ptr<FilePacking> now = packing();
    now->run();
    now->done();
    packing_ = elsewhere;
    return {form && form->is_useful() ? form.get() : nullptr, false, coding};
  }
  // What is not in memory is loaded anew until it has settled: nothing made of it before would last.
  if (!packing_ && (entry.in_memory() || !entry.unsettled_)) packing_ = pool_->submit(packing());
  return {nullptr, true, coding};
}

void FileCache::on_packed(FileEntry& entry, Coding coding, std::string packed) {
  packing_ = false;
  if (entry.cached_ && !entry.packed_[static_cast<std::size_t>(coding)]) keep(entry, coding, std::move(packed));
}

void FileCache::keep(FileEntry& entry, Coding coding, std::string packed) {
  const std::size_t size = packed.size();
  entry.packed_[static_cast<std::size_t>(coding)] =
      std::make_unique<PackedForm>(entry.fields(), coding, std::move(packed));
  count_further(entry, size);
}

std::string_view FileCache::copy_of(FileEntry& entry) {
  if (entry.has_copy()) return entry.copy();
  if (entry.in_memory() || entry.size() > limits_.copied_of_one || entry.unsettled_) return {};
  if (!std::exchange(entry.copy_wanted_, true)) return {};
  auto content = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(entry.size()));
  if (!read_as(entry.fd(), entry.identity_, content.get())) return {};
  entry.copy_ = std::move(content);
  count_further(entry, static_cast<std::size_t>(entry.size()));
  return entry.copy();
}

void FileCache::count_further(FileEntry& entry, std::size_t bytes) {
  entry.further_bytes_ += bytes;
  content_bytes_ += bytes;
  pinned_ = &entry;
  make_room();
  show_size();
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
  if (entry->in_memory()) content_bytes_ += entry->size();
  content_bytes_ += entry->further_bytes_;
  descriptors_ += entry->descriptors_;
  entry->cached_ = true;
  pinned_ = entry;
  make_room();
  show_size();
}

/// Takes an entry out; it lives on while bodies hold it.
void FileCache::remove(FileEntry* entry) {
  FileEntry** link = &buckets_[entry->hash_ & (buckets_.size() - 1)];
  while (*link != entry) link = &(*link)->next_in_bucket_;
  *link = entry->next_in_bucket_;
  unlink(entry);
  --count_;
  if (entry->in_memory()) content_bytes_ -= entry->size();
  content_bytes_ -= entry->further_bytes_;
  descriptors_ -= entry->descriptors_;
  forget_watch(*entry);
  entry->cached_ = false;
  show_size();
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
    if (entry->descriptors_ == 0 || entry == pinned_) continue;
    remove(entry);
    return true;
  }
  return false;
}

void FileCache::show_size() {
  counters_.entries.set(count_);
  counters_.bytes.set(content_bytes_);
}

}  // namespace holdfast::handlers
