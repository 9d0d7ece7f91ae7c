// Which routes are to be fused: those whose handlers have killed too many workers within a short time. Pure;
// the master tells it of deaths and makes its word known to the workers.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "common/clock.h"

namespace holdfast::master {

/// A route by its names, which stay the same from one generation to the next.
struct RouteName {
  std::string site;
  std::string route;
  auto operator<=>(const RouteName&) const = default;
};

class Fuse {
 public:
  static constexpr std::size_t kDeaths = 5;
  static constexpr std::chrono::seconds kWithin{60};

  /// A worker has died in a request of this route. True: that was one too many.
  bool note_death(const RouteName& route, TimePoint now);
  /// A new configuration may have mended it.
  void forget() { deaths_.clear(); }

 private:
  std::map<RouteName, std::deque<TimePoint>> deaths_;
};

}  // namespace holdfast::master
