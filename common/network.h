// Network: the addresses that share a prefix, or a single one: what allow and trust lists are made of. A value.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace holdfast {

class Network {
 public:
  Network() = default;

  /// Reads "10.0.0.0/8", "fd00::/8", or a single address. Bits behind the prefix must be zero: who writes
  /// 10.1.2.3/8 may have meant one machine. An IPv4 address mapped into IPv6 is taken for what it is.
  static Result<Network> parse(std::string_view text);

  /// `address` has 4 or 16 bytes in network order; IPv4 and IPv6 never match each other.
  bool contains(std::span<const std::uint8_t> address) const;
  /// As parse() reads it; a single address has no prefix length.
  std::string text() const;

  bool operator==(const Network& other) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t size_ = 4;    // bytes of an address
  std::uint8_t prefix_ = 0;  // bits
};

}  // namespace holdfast
