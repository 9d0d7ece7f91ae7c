#include "worker/handlers/directory_watch.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace holdfast::handlers {
namespace {

constexpr unsigned kChanges = DN_MODIFY | DN_CREATE | DN_DELETE | DN_RENAME | DN_ATTRIB;

// Unlike the classic signals it is queued, with the number of the descriptor. When the queue is full the kernel
// sends SIGIO instead.
int change_signal() {
  return SIGRTMIN;
}

}  // namespace

void DirectoryWatch::open() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, change_signal());
  sigaddset(&signals, SIGIO);
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return;
  signals_ = Fd(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
}

int DirectoryWatch::add(Fd directory) {
  struct stat status {};
  if (!signals_ || !directory || ::fstat(directory.get(), &status) != 0) return kNone;
  Watched* place = find(status.st_dev, status.st_ino);
  if (place == nullptr) {
    if ((place = free_place()) == nullptr) return kNone;
    if (::fcntl(directory.get(), F_SETSIG, change_signal()) != 0) return kNone;
    *place = {std::move(directory), status.st_dev, status.st_ino, 0, false};
  }
  const int watch = static_cast<int>(place - watched_.data());
  ++place->users;
  arm(watch);
  if (place->armed) return watch;
  remove(watch);
  return kNone;
}

DirectoryWatch::Watched* DirectoryWatch::find(dev_t device, ino_t inode) {
  const auto place = std::ranges::find_if(watched_, [&](const Watched& watched) {
    return watched.directory && watched.device == device && watched.inode == inode;
  });
  return place == watched_.end() ? nullptr : &*place;
}

DirectoryWatch::Watched* DirectoryWatch::free_place() {
  const auto place = std::ranges::find_if(watched_, [](const Watched& watched) { return !watched.directory; });
  if (place != watched_.end()) return &*place;
  return watched_.size() < limit_ ? &watched_.emplace_back() : nullptr;
}

void DirectoryWatch::remove(int watch) {
  Watched& watched = watched_[static_cast<std::size_t>(watch)];
  if (--watched.users == 0) watched = {};
}

void DirectoryWatch::arm(int watch) {
  Watched& watched = watched_[static_cast<std::size_t>(watch)];
  if (watched.armed) return;
  watched.armed = ::fcntl(watched.directory.get(), F_NOTIFY, kChanges) == 0;
}

// A descriptor that was closed since may have its number given to another directory: that is looked at once in
// vain.
DirectoryWatch::Changes DirectoryWatch::take() {
  Changes changes;
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
    changes.lost |= signal.ssi_signo == static_cast<unsigned>(SIGIO);
    for (Watched& watched : watched_) {
      if (!watched.directory || watched.directory.get() != signal.ssi_fd) continue;
      watched.armed = false;
      changes.watches.push_back(static_cast<int>(&watched - watched_.data()));
    }
  }
  if (changes.lost)
    for (Watched& watched : watched_) watched.armed = false;
  std::ranges::sort(changes.watches);
  return changes;
}

}  // namespace holdfast::handlers
