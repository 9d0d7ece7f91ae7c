// Who counts as one client: an IPv4 address, or the /64 of an IPv6 address, since a single client is given that
// much and may use all of it.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::limits {

/// A value; bytes that are equal for addresses of one client and different for others.
class AddressKey {
 public:
  /// `family`: 4 or 6; `address`: 4 or 16 bytes in network order. Another family: no address at all.
  AddressKey(std::uint8_t family, const std::uint8_t* address);
  /// "192.0.2.1", "2001:db8::1"; anything else ("unix") counts as one client.
  static AddressKey of_text(std::string_view text);

  std::string_view bytes() const { return {bytes_, length_}; }

 private:
  char bytes_[9] = {};
  std::uint8_t length_ = 1;
};

}  // namespace holdfast::limits
