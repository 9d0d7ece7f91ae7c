#include "worker/broker/remote_origins.h"

#include <algorithm>

namespace holdfast::broker {

bool RemoteOrigins::heard(const Origin& origin, TimePoint now) {
  const auto known = last_heard_.find(origin);
  if (known != last_heard_.end()) {
    known->second = now;
    return true;
  }
  if (last_heard_.size() >= most_) return false;
  last_heard_.emplace(origin, now);
  return true;
}

std::vector<Origin> RemoteOrigins::take_silent(TimePoint now) {
  std::vector<Origin> silent;
  for (auto at = last_heard_.begin(); at != last_heard_.end();) {
    if (now - at->second < silence_) {
      ++at;
      continue;
    }
    silent.push_back(at->first);
    at = last_heard_.erase(at);
  }
  return silent;
}

TimePoint RemoteOrigins::next_silence() const {
  TimePoint next = kNever;
  for (const auto& [origin, heard] : last_heard_) next = std::min(next, heard + silence_);
  return next;
}

}  // namespace holdfast::broker
