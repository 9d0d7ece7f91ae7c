// Routes that take no requests for now: their handlers have killed too many workers. Asked for each request, so
// that the usual answer, none is, costs one comparison.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace holdfast::http {

class FusedRoutes {
 public:
  /// Site and route, as indices of the configuration.
  using Place = std::pair<std::uint32_t, std::uint32_t>;

  void set(std::vector<Place> places) { places_ = std::move(places); }
  bool holds(std::uint32_t site, std::uint32_t route) const {
    return !places_.empty() && std::ranges::find(places_, Place{site, route}) != places_.end();
  }

 private:
  std::vector<Place> places_;
};

}  // namespace holdfast::http
