#include "common/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "common/ascii.h"

namespace holdfast {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// The bits of byte `index` that lie within the prefix.
std::uint8_t mask_of(std::size_t index, std::size_t prefix) {
  const std::size_t bits = std::min<std::size_t>(prefix - std::min(prefix, index * 8), 8);
  return static_cast<std::uint8_t>(0xFF00 >> bits);
}

Error wrong(std::string_view text, std::string_view why) {
  return {ErrorKind::Configuration, 0, "`" + std::string(text) + "` " + std::string(why)};
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string address(text.substr(0, slash));
  Network network;
  network.size_ = address.find(':') == std::string::npos ? 4 : 16;
  const int family = network.size_ == 4 ? AF_INET : AF_INET6;
  // A NUL would end the text for inet_pton, whatever follows.
  if (address.find('\0') != std::string::npos ||
      ::inet_pton(family, address.c_str(), network.bytes_.data()) != 1)
    return wrong(text, "is no IPv4 or IPv6 address or network");
  std::size_t prefix = network.size_ * 8U;
  if (slash < text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    const std::optional<std::uint64_t> bits = parse_decimal(digits);
    if (!bits || *bits > prefix || (digits.size() > 1 && digits.front() == '0'))
      return wrong(text, "must have a prefix length from 0 to " + std::to_string(prefix));
    prefix = static_cast<std::size_t>(*bits);
  }
  if (network.size_ == 16 && prefix >= 96 &&
      std::equal(kMapped.begin(), kMapped.end(), network.bytes_.begin())) {
    std::copy(network.bytes_.begin() + 12, network.bytes_.end(), network.bytes_.begin());
    std::fill(network.bytes_.begin() + 4, network.bytes_.end(), std::uint8_t{0});
    network.size_ = 4;
    prefix -= 96;
  }
  network.prefix_ = static_cast<std::uint8_t>(prefix);
  for (std::size_t i = 0; i < network.size_; ++i)
    if ((network.bytes_[i] & ~mask_of(i, prefix) & 0xFF) != 0)
      return wrong(text, "has bits set behind its prefix of " + std::to_string(prefix) + " bits");
  return network;
}

bool Network::contains(std::span<const std::uint8_t> address) const {
  if (address.size() != size_) return false;
  for (std::size_t i = 0; i * 8 < prefix_; ++i)
    if (((address[i] ^ bytes_[i]) & mask_of(i, prefix_)) != 0) return false;
  return true;
}

std::string Network::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  std::string text = ::inet_ntop(size_ == 4 ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  if (prefix_ != size_ * 8) text += "/" + std::to_string(prefix_);
  return text;
}

}  // namespace holdfast
