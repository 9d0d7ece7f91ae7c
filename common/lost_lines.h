// What a log does about lines that it cannot write: a full disk, a reader that does not read. It tells when
// that begins, and when it ends how many are missing; not more often than people want to hear it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/clock.h"

namespace holdfast {

class LostLines {
 public:
  /// So many more are lost. True: this is the beginning and has to be told.
  bool lost(std::uint64_t lines, TimePoint now);
  /// A line has been written. How many were lost before it and have to be told of; 0: none.
  std::uint64_t written(TimePoint now);
  /// Whether any are lost that have not been told of, so that written() is worth a look at the clock.
  bool any() const { return untold_ > 0; }

 private:
  std::uint64_t untold_ = 0;
  bool began_ = false;  // its beginning has been told, its end has not
  TimePoint last_told_ = TimePoint::min();
};

/// Takes the end of a file back, of which the last call has written only so many bytes of a line, so that no
/// torn line stands there. False: it is no regular file, or somebody else has appended meanwhile, or it is not
/// allowed.
bool take_back(int fd, std::size_t bytes);

}  // namespace holdfast
