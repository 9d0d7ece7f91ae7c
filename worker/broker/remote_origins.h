// Which workers of other hosts are there: those that were heard of not too long ago. Pure; the time is given.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "common/clock.h"
#include "worker/broker/broker.h"

namespace holdfast::broker {

class RemoteOrigins {
 public:
  /// An origin of which nothing was heard for `silence` is gone. At most `most` are known at a time, since
  /// anybody who can publish can invent some.
  RemoteOrigins(Milliseconds silence, std::size_t most) : silence_(silence), most_(most) {}

  /// Something came from it. False: it is not known and there is no place for it; what it says is passed over.
  bool heard(const Origin& origin, TimePoint now);
  /// It has said that it ends. False: it was not known.
  bool forget(const Origin& origin) { return last_heard_.erase(origin) > 0; }
  /// Forgets and answers those that are gone by now.
  std::vector<Origin> take_silent(TimePoint now);
  /// When take_silent() has something to answer at the earliest, should nothing be heard; kNever: nobody is
  /// known.
  TimePoint next_silence() const;
  std::size_t size() const { return last_heard_.size(); }

 private:
  const Milliseconds silence_;
  const std::size_t most_;
  std::map<Origin, TimePoint> last_heard_;
};

}  // namespace holdfast::broker
