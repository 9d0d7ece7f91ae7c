#include "worker/handlers/document_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "common/out_of_reach.h"

namespace holdfast::handlers {
namespace {

// O_NONBLOCK: a FIFO opens at once, without a writer; O_NOCTTY: a terminal does not become ours.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kRootFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr int kAttempts = 3;

/// A NUL-terminated copy of a path, relative: leading slashes gone, "." for the root itself.
class RelativePath {
 public:
  explicit RelativePath(std::string_view path) {
    const std::size_t begin = path.find_first_not_of('/');
    const std::string_view relative = begin == std::string_view::npos ? "." : path.substr(begin);
    fits_ = relative.size() < text_.size();
    if (!fits_) return;
    std::memcpy(text_.data(), relative.data(), relative.size());
    text_[relative.size()] = '\0';
  }
  bool fits() const { return fits_; }
  const char* text() const { return text_.data(); }

 private:
  bool fits_;
  std::array<char, PATH_MAX> text_;
};

int open_plain(int root, const char* path, int flags) {
  return ::openat(root, path, flags);
}

// EAGAIN: something was renamed during the look-up and the kernel could not rule out an escape.
int open_resolved(int root, const char* path, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = resolve;
  for (int attempt = 1;; ++attempt) {
    const auto fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
    if (fd >= 0 || attempt == kAttempts || (errno != EAGAIN && errno != EINTR)) return fd;
  }
}

int open_by_policy(int root, const char* path, int flags, config::FollowSymlinks follow) {
  switch (follow) {
    case config::FollowSymlinks::Never:
      return open_resolved(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    case config::FollowSymlinks::Inside:
      return open_resolved(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    case config::FollowSymlinks::Anywhere:
      return open_plain(root, path, flags);
  }
  return -1;
}

Error describe(int code, const std::string& path, config::FollowSymlinks follow) {
  if (follow != config::FollowSymlinks::Anywhere && (code == ENOSYS || code == EPERM)) {
    Error error =
        system_error(code, "document root " + path +
                               ": openat2 is not available here, so files cannot be kept inside the root; "
                               "allow the call, or set follow_symlinks: anywhere");
    error.kind = ErrorKind::Unavailable;
    return error;
  }
  return system_error(code, "document root " + path);
}

}  // namespace

DocumentRoot::DocumentRoot(std::string path, config::FollowSymlinks follow, Fd fd, dev_t device, ino_t inode)
    : path_(std::move(path)), follow_(follow), fd_(std::move(fd)), device_(device), inode_(inode) {}

Result<DocumentRoot> DocumentRoot::open(const std::string& path, config::FollowSymlinks follow, bool listing) {
  Fd root(::open(path.c_str(), kRootFlags));
  struct stat status {};
  if (!root || ::fstat(root.get(), &status) != 0) return system_error(errno, "document root " + path);
  if (::faccessat(root.get(), ".", listing ? R_OK | X_OK : X_OK, AT_EACCESS) != 0)
    return system_error(errno, "document root " + path);
  const Fd probe(open_by_policy(root.get(), ".", kRootFlags, follow));
  if (!probe) return describe(errno, path, follow);
  return DocumentRoot(path, follow, std::move(root), status.st_dev, status.st_ino);
}

OpenedPath DocumentRoot::open_beneath(std::string_view path) const {
  return open_with(path, kReadFlags);
}

OpenedPath DocumentRoot::look_beneath(std::string_view path) const {
  return open_with(path, O_PATH | O_CLOEXEC);
}

OpenedPath DocumentRoot::open_with(std::string_view path, int flags) const {
  const RelativePath relative(path);
  if (!relative.fits()) return {Fd(), ENAMETOOLONG};
  Fd fd(open_by_policy(fd_.get(), relative.text(), flags, follow_));
  const int code = fd ? 0 : errno;
  return {std::move(fd), code};
}

std::optional<DocumentRoot> DocumentRoot::duplicate() const {
  Fd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return std::nullopt;
  return DocumentRoot(path_, follow_, std::move(copy), device_, inode_);
}

void DocumentRoot::refresh(TimePoint now) {
  if (now == looked_at_) return;
  looked_at_ = now;
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) return;
  Fd fresh(::open(path_.c_str(), kRootFlags));
  if (!fresh || ::fstat(fresh.get(), &status) != 0) return;
  // New workers are on their way, which reach it; better the old files until then than none.
  if (is_out_of_reach(fresh.get(), ".")) return;
  fd_ = std::move(fresh);
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

}  // namespace holdfast::handlers
