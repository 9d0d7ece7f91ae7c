#include "master/fuse.h"

namespace holdfast::master {

bool Fuse::note_death(const RouteName& route, TimePoint now) {
  // Those that have been quiet since are forgotten, so that the map holds routes of the last minute only.
  std::erase_if(deaths_, [now](const auto& entry) { return entry.second.back() <= now - kWithin; });
  std::deque<TimePoint>& times = deaths_[route];
  while (!times.empty() && times.front() <= now - kWithin) times.pop_front();
  times.push_back(now);
  if (times.size() < kDeaths) return false;
  deaths_.erase(route);
  return true;
}

}  // namespace holdfast::master
