#include "worker/handlers/file_watch.h"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace holdfast::handlers {
namespace {

// IN_ATTRIB tells of a name that is gone, too: a file replaced by renaming, while we hold it open.
constexpr std::uint32_t kChanges = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONESHOT;

}  // namespace

void FileWatch::open() {
  inotify_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int FileWatch::add(int file) {
  if (!inotify_) return kNone;
  // By descriptor: the name may have another file by now.
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", file);
  return ::inotify_add_watch(inotify_.get(), path.data(), kChanges);
}

void FileWatch::remove(int watch) {
  ::inotify_rm_watch(inotify_.get(), watch);
}

FileWatch::Changes FileWatch::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, 16 * 1024> room;
  for (ssize_t size; (size = ::read(inotify_.get(), room.data(), room.size())) > 0;) {
    inotify_event event;
    for (std::size_t at = 0; at + sizeof event <= static_cast<std::size_t>(size);
         at += sizeof event + event.len) {
      std::memcpy(&event, room.data() + at, sizeof event);
      changes.lost |= (event.mask & IN_Q_OVERFLOW) != 0;
      if ((event.mask & IN_IGNORED) == 0) changes.watches.push_back(event.wd);
    }
  }
  std::ranges::sort(changes.watches);
  return changes;
}

}  // namespace holdfast::handlers
