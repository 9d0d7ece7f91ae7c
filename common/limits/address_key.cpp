#include "common/limits/address_key.h"

#include <cstring>

#include "common/address_set.h"

namespace holdfast::limits {

AddressKey::AddressKey(std::uint8_t family, const std::uint8_t* address) {
  const std::size_t length = family == 4 ? 4 : family == 6 ? 8 : 0;
  bytes_[0] = static_cast<char>(length);
  if (length > 0) std::memcpy(bytes_ + 1, address, length);
  length_ = static_cast<std::uint8_t>(1 + length);
}

AddressKey AddressKey::of_text(std::string_view text) {
  const std::optional<AddressBytes> address = parse_address(text);
  if (!address) return {0, nullptr};
  const bool ipv4 = is_mapped_ipv4(*address);
  return {static_cast<std::uint8_t>(ipv4 ? 4 : 6), address->data() + (ipv4 ? 12 : 0)};
}

}  // namespace holdfast::limits
