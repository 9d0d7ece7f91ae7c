#include "common/limits/address_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace holdfast::limits {

AddressKey::AddressKey(std::uint8_t family, const std::uint8_t* address) {
  const std::size_t length = family == 4 ? 4 : family == 6 ? 8 : 0;
  bytes_[0] = static_cast<char>(length);
  if (length > 0) std::memcpy(bytes_ + 1, address, length);
  length_ = static_cast<std::uint8_t>(1 + length);
}

AddressKey AddressKey::of_text(std::string_view text) {
  char ended[INET6_ADDRSTRLEN] = {};
  std::uint8_t address[16] = {};
  if (text.size() >= sizeof ended) return {0, address};
  std::memcpy(ended, text.data(), text.size());
  if (inet_pton(AF_INET, ended, address) == 1) return {4, address};
  if (inet_pton(AF_INET6, ended, address) == 1) return {6, address};
  return {0, address};
}

}  // namespace holdfast::limits
