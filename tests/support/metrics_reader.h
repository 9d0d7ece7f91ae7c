// Reads /metrics: one scrape is every series with its value, and what kind each family is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::support {

struct Scrape {
  bool ok = false;
  std::string text;
  std::map<std::string, double> series;      // name with its labels, as written
  std::map<std::string, std::string> types;  // family -> counter, gauge, histogram

  /// Sum over the family's series whose labels hold each of `having` (for example `code="200"`).
  double sum(std::string_view family, const std::vector<std::string>& having = {}) const;
};
Scrape parse_scrape(std::string text);
Scrape scrape(std::uint16_t admin_port);

/// Counters and histogram parts that are lower in `later` or have vanished; empty is good.
std::vector<std::string> fallen(const Scrape& earlier, const Scrape& later);

}  // namespace holdfast::support
