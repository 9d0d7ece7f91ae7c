// Sets of client addresses: single ones and networks, IPv4 and IPv6, and whoever comes through a unix socket.
// Built once, then asked in logarithmic time. An IPv4-mapped IPv6 address is the IPv4 address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace holdfast {

/// Sixteen bytes in network order; IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;

/// "192.0.2.1" or "2001:db8::1"; nothing for other texts.
std::optional<AddressBytes> parse_address(std::string_view text);
bool is_mapped_ipv4(const AddressBytes& address);
AddressBytes mapped_ipv4(std::span<const std::uint8_t, 4> bytes);

class AddressSet {
 public:
  /// Each "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" or "unix". The error names the text and what is wrong
  /// with it.
  static Result<AddressSet> of(const std::vector<std::string>& texts);
  /// The normal form of one of them, host bits of a network put to 0; an error as in of().
  static Result<std::string> normalised(std::string_view text);

  bool empty() const { return ipv4_.empty() && ipv6_.empty() && !unix_; }
  bool contains(const AddressBytes& address) const;
  /// As api::Exchange::peer_address() tells it; "unix" too.
  bool contains(std::string_view address) const;
  bool contains_unix() const { return unix_; }

 private:
  struct Range {
    AddressBytes first;
    AddressBytes last;
  };
  using Ranges = std::vector<Range>;  // sorted, apart from each other

  static Ranges joined(Ranges ranges);

  // Apart, so that a wide network of IPv6 is not one of all IPv4 addresses too.
  Ranges ipv4_;
  Ranges ipv6_;
  bool unix_ = false;
};

}  // namespace holdfast
