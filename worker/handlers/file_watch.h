// Tells of files that change, so that a cache need not wait for its next look at the disk (inotify). A file is
// watched for one change: one that is written all the time costs no more than whoever watches it anew wants to
// spend. It only helps: changes made elsewhere on a network file system, or in the folders on the way to a
// file, are not told.
#pragma once

#include <vector>

#include "common/fd.h"

namespace holdfast::handlers {

class FileWatch {
 public:
  static constexpr int kNone = -1;

  /// Begins; nothing is ever told when the system has no more watchers to give away.
  void open();
  /// Readable when there is something to take; -1 before open() or when that failed.
  int fd() const { return inotify_.get(); }

  /// Watches the file behind `file` until it is written, truncated, replaced, moved, removed, or its rights
  /// change. The number is the same for every watch of that file; kNone when it cannot be watched.
  int add(int file);
  /// For one that has not been told of.
  void remove(int watch);

  struct Changes {
    std::vector<int> watches;  // that are over now, in order; empty: nothing happened
    bool lost = false;         // more happened than the system could keep: any file may have changed
  };
  Changes take();

 private:
  Fd inotify_;
};

}  // namespace holdfast::handlers
