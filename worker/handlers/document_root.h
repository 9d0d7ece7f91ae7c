// A directory and the only way into it: every file of a site is opened through here, and the kernel keeps the
// look-up beneath the root (openat2). One for each root and symlink policy of a worker; owned by the file
// cache.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/fd.h"
#include "common/result.h"
#include "config/config.h"

namespace holdfast::handlers {

/// What opening a path came to; `code` is 0 or an errno.
struct OpenedPath {
  Fd fd;
  int code = 0;
};

class DocumentRoot {
 public:
  /// Opens the directory `path`. Fails when it is not a directory, may not be entered (or, for listings, read),
  /// or when the policy needs openat2 and the kernel or a sandbox lacks it: never served with less protection
  /// than asked for.
  static Result<DocumentRoot> open(const std::string& path, config::FollowSymlinks follow, bool listing);

  /// Opens what a decoded request path names, read-only, without waiting for FIFOs or devices. Leading slashes
  /// mean the root.
  OpenedPath open_beneath(std::string_view path) const;
  /// The same for a look at what is there: the descriptor serves fstat only, and nothing needs to be readable.
  OpenedPath look_beneath(std::string_view path) const;

  /// Follows a root that was replaced (a symlink turned to another release): looks at most once per value of
  /// `now`.
  void refresh(TimePoint now);

  /// The directory as it is opened now, for another thread: refresh() of this one does not touch it. Nothing
  /// when descriptors have run out.
  std::optional<DocumentRoot> duplicate() const;

  config::FollowSymlinks follow() const { return follow_; }

 private:
  OpenedPath open_with(std::string_view path, int flags) const;
  DocumentRoot(std::string path, config::FollowSymlinks follow, Fd fd, dev_t device, ino_t inode);

  std::string path_;
  config::FollowSymlinks follow_;
  Fd fd_;
  dev_t device_;
  ino_t inode_;
  TimePoint looked_at_{};
};

}  // namespace holdfast::handlers
