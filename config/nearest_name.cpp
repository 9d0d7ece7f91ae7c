#include "config/nearest_name.h"

#include <algorithm>

#include "common/ascii.h"

namespace holdfast::config {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table are enough for swaps of neighbours.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto same = [&](std::size_t x, std::size_t y) { return ascii_lower(a[x]) == ascii_lower(b[y]); };
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(i - 1, j - 1) ? 0 : 1)});
      if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& names) {
  constexpr std::size_t kLongestName = 64;
  constexpr std::size_t kShortestAbbreviation = 3;
  // Numbers are not misspelt, they are wrong.
  if (name.empty() || name.size() > kLongestName || is_ascii_digit(name.front())) return {};
  for (const std::string_view candidate : names)
    if (name.size() >= kShortestAbbreviation && candidate.starts_with(name)) return std::string(candidate);
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(name.size(), 3) / 3 + 1;
  for (const std::string_view candidate : names) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return std::string(nearest);
}

}  // namespace holdfast::config
