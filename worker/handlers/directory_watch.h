// Tells of directories in which files change, so that a cache need not wait for its next look at the disk. It
// only helps: changes made elsewhere on a network file system, by another name of a file, or in the folders on
// the way, are not told.
//
// By F_NOTIFY, not inotify: a process that holds an inotify descriptor cannot end before the kernel has waited
// for all readers of such marks, which takes 10 to 200 ms on an idle machine and seconds on a busy one, and a
// worker that was killed is replaced only when it has ended. A directory's descriptor is closed in
// microseconds.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "common/fd.h"

namespace holdfast::handlers {

class DirectoryWatch {
 public:
  static constexpr int kNone = -1;

  /// At most `limit` directories are watched at once; each has an open descriptor.
  explicit DirectoryWatch(std::size_t limit) : limit_(limit) {}

  /// Begins. Blocks two signals in this thread, the only one that may let signals through.
  void open();
  /// Readable when there is something to take; -1 before open() or when that failed.
  int fd() const { return signals_.get(); }

  /// A watch of `directory`, armed, for one more user; its number, the same for every user of that directory.
  /// kNone when it cannot be watched.
  int add(Fd directory);
  /// For each add().
  void remove(int watch);

  /// Tells of the next change in the directory. A change disarms: a directory that is written to all the time
  /// costs no more than its users want to spend.
  void arm(int watch);

  struct Changes {
    std::vector<int> watches;  // that are disarmed now, in order; empty: nothing happened
    bool lost = false;         // more happened than the system could keep: any of them may have changed
  };
  Changes take();

 private:
  struct Watched {
    Fd directory;  // none: a free place
    dev_t device = 0;
    ino_t inode = 0;
    std::size_t users = 0;
    bool armed = false;
  };
  Watched* find(dev_t device, ino_t inode);
  Watched* free_place();

  const std::size_t limit_;
  Fd signals_;
  std::vector<Watched> watched_;  // by number
};

}  // namespace holdfast::handlers
