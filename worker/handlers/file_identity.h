// What tells one state of a file from another, and the entity tag made of it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace holdfast::handlers {

/// ctime is in it because mtime can be put back by anyone.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;

  static FileIdentity of(const struct stat& status);
  bool operator==(const FileIdentity&) const = default;
};

/// A strong entity tag (RFC 9110 section 8.8.1) with its quotes: from inode, size, mtime and ctime to the
/// nanosecond, hashed, so that it tells nothing about the file system; the size stays readable and apart.
/// `mark` is put inside the quotes, at the end.
std::string entity_tag(const FileIdentity& identity, std::string_view mark = {});

/// Reads `size` bytes from the beginning of `fd` if the file is in the state `identity` before and after, as
/// far as its times can tell. Any thread.
bool read_as(int fd, const FileIdentity& identity, char* to);

/// File systems stamp changes with a clock of coarse ticks (some of whole seconds): a file that changed just
/// now can change again without its times showing it. After this time it is safe to rely on them.
inline constexpr Duration kSettled = std::chrono::milliseconds(1500);
bool may_change_unseen(const FileIdentity& identity, Duration settled = kSettled);

}  // namespace holdfast::handlers
