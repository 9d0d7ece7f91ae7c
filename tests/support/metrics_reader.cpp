#include "tests/support/metrics_reader.h"

#include <cstdlib>
#include <sstream>

#include "tests/support/client.h"

namespace holdfast::support {
namespace {

std::string name_of(const std::string& series) {
  return series.substr(0, series.find('{'));
}

bool counts(const Scrape& scrape, const std::string& series) {
  const std::string name = name_of(series);
  const auto own = scrape.types.find(name);
  if (own != scrape.types.end()) return own->second == "counter";
  for (const std::string_view ending : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(ending)) continue;
    const auto family = scrape.types.find(name.substr(0, name.size() - ending.size()));
    if (family != scrape.types.end() && family->second == "histogram") return true;
  }
  return false;
}

}  // namespace

double Scrape::sum(std::string_view family, const std::vector<std::string>& having) const {
  double total = 0;
  for (const auto& [key, value] : series) {
    if (name_of(key) != family) continue;
    bool wanted = true;
    for (const std::string& label : having) wanted &= key.find(label) != std::string::npos;
    if (wanted) total += value;
  }
  return total;
}

Scrape parse_scrape(std::string text) {
  Scrape scrape;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (line.starts_with("# TYPE ")) {
      std::string hash, keyword, family, kind;
      words >> hash >> keyword >> family >> kind;
      scrape.types[family] = kind;
    } else if (!line.empty() && line[0] != '#') {
      const std::size_t blank = line.rfind(' ');
      scrape.series[line.substr(0, blank)] = std::strtod(line.c_str() + blank + 1, nullptr);
    }
  }
  scrape.text = std::move(text);
  return scrape;
}

Scrape scrape(std::uint16_t admin_port) {
  const Response response = get(admin_port, "/metrics");
  Scrape result = parse_scrape(response.body);
  result.ok = response.ok() && response.status == 200 && !result.series.empty();
  return result;
}

std::vector<std::string> fallen(const Scrape& earlier, const Scrape& later) {
  std::vector<std::string> result;
  for (const auto& [series, value] : earlier.series) {
    if (!counts(earlier, series)) continue;
    const auto now = later.series.find(series);
    if (now == later.series.end())
      result.push_back(series + " vanished");
    else if (now->second < value)
      result.push_back(series + " fell from " + std::to_string(value) + " to " + std::to_string(now->second));
  }
  return result;
}

}  // namespace holdfast::support
