#include "tests/support/split_feeder.h"

#include <algorithm>
#include <random>

namespace holdfast::support {

std::vector<std::string_view> cut(std::string_view bytes, Delivery delivery, unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<std::string_view> pieces;
  while (!bytes.empty()) {
    std::size_t size = bytes.size();
    switch (delivery) {
      case Delivery::Whole:
        break;
      case Delivery::Lines:
        size = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
        break;
      case Delivery::CrThenLf:
        size = std::min(bytes.find('\r'), bytes.size() - 1) + 1;
        break;
      case Delivery::Bytes:
        size = 1;
        break;
      case Delivery::RandomCuts:
        size = std::min<std::size_t>(bytes.size(), 1 + random() % 40);
        break;
    }
    pieces.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return pieces;
}

}  // namespace holdfast::support
