// How urgent a response is (RFC 9218 section 4). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::http2 {

struct Priority {
  std::uint8_t urgency = 3;  // 0 comes first
  bool incremental = false;  // takes turns with others of its urgency

  static constexpr std::uint8_t kLeast = 7;
  bool operator==(const Priority&) const = default;
};

/// Of a `Priority` field or a PRIORITY_UPDATE; what it does not say, or says in a way that nobody understands,
/// is the default.
Priority priority_from(std::string_view value);

}  // namespace holdfast::http2
