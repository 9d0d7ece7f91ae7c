// When log files that were renamed or removed without a word to us are opened anew by their names: a moment
// later, so that whoever turns them over can make the new file and send USR1; the lines in between go to the
// old one. Pure.
//
// By looking, once a second: closing an inotify descriptor can hold a process up for many seconds where the
// machine is busy (the kernel waits for all of its watches' readers).
#pragma once

#include "common/clock.h"

namespace holdfast::master {

class LogWatch {
 public:
  static constexpr Milliseconds kInterval{1000};
  static constexpr Milliseconds kPatience{1000};
  /// Where they cannot be opened, which is logged each time, they are tried again so seldom.
  static constexpr Milliseconds kAgain{60'000};

  /// When the files are to be looked at next.
  TimePoint next() const { return next_; }
  /// They have been looked at. True: they are to be opened anew.
  bool looked(bool moved, TimePoint now) {
    next_ = now + kInterval;
    if (!moved) {
      since_ = kNever;
      return false;
    }
    if (since_ == kNever) since_ = now;
    if (now - since_ < kPatience) return false;
    since_ = now + kAgain - kPatience;
    return true;
  }
  /// They have been opened anew, by whatever cause.
  void opened() { since_ = kNever; }

 private:
  TimePoint next_ = TimePoint::min();
  TimePoint since_ = kNever;
};

}  // namespace holdfast::master
