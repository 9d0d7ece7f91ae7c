// How much content a TLS record carries. A record can be read only once all of it is there: the first ones are
// small, so that a page begins to show before the network is up to speed, and what follows is large, for fewer
// of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/clock.h"

namespace holdfast::net {

class RecordSize {
 public:
  static constexpr std::size_t kLargest = 16 * 1024;  // RFC 8446 section 5.1
  // The first two fit in the ten segments that a connection may begin with (RFC 6928), and small answers in
  // one.
  static constexpr std::size_t kFirst = 4 * 1024;
  // A connection that was idle for so long has forgotten how fast its network is (RFC 5681 section 4.1).
  static constexpr Milliseconds kIdle{1000};

  /// Bytes of the next record at most. One that could not be sent is tried again with at least as much.
  std::size_t next(TimePoint now) {
    if (!waiting_ && now - last_ >= kIdle) size_ = kFirst;
    return size_;
  }
  /// The record was taken.
  void sent(TimePoint now) {
    waiting_ = false;
    last_ = now;
    size_ = std::min(size_ * 2, kLargest);
  }
  /// The record waits for room.
  void held() { waiting_ = true; }

 private:
  std::size_t size_ = kFirst;
  bool waiting_ = false;
  TimePoint last_{};
};

}  // namespace holdfast::net
