#include "common/address_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "common/ascii.h"

namespace holdfast {
namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kMappedBits = 96;

struct Network {
  AddressBytes address;
  unsigned prefix = kBits;  // of the sixteen bytes
  bool ipv4 = false;
};

/// The address with the bits behind the prefix all 0 or all 1.
AddressBytes with_host_bits(AddressBytes bytes, unsigned prefix, bool ones) {
  for (unsigned bit = prefix; bit < kBits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    bytes[bit / 8] = static_cast<std::uint8_t>(ones ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
  }
  return bytes;
}

Error wrong(std::string_view text, std::string_view why) {
  return {ErrorKind::Configuration, 0, "`" + std::string(text) + "` " + std::string(why)};
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const std::optional<AddressBytes> address = parse_address(host);
  if (!address) return wrong(text, "is no IPv4 or IPv6 address or network (192.0.2.0/24, 2001:db8::/32)");
  Network network{*address, kBits, host.find(':') == std::string_view::npos};
  if (slash == std::string_view::npos) return network;
  const unsigned most = network.ipv4 ? kBits - kMappedBits : kBits;
  const std::optional<std::uint64_t> length = parse_decimal(text.substr(slash + 1));
  if (!length || *length > most)
    return wrong(text, network.ipv4 ? "must have a prefix length from 0 to 32"
                                    : "must have a prefix length from 0 to 128");
  network.prefix = static_cast<unsigned>(*length) + (network.ipv4 ? kMappedBits : 0);
  return network;
}

}  // namespace

bool is_mapped_ipv4(const AddressBytes& bytes) {
  constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(bytes.data(), kPrefix, sizeof kPrefix) == 0;
}

AddressBytes mapped_ipv4(std::span<const std::uint8_t, 4> bytes) {
  AddressBytes address{};
  address[10] = address[11] = 0xff;
  std::copy(bytes.begin(), bytes.end(), address.begin() + 12);
  return address;
}

std::optional<AddressBytes> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  AddressBytes address;
  if (::inet_pton(AF_INET6, terminated.data(), address.data()) == 1) return address;
  std::array<std::uint8_t, 4> ipv4;
  if (::inet_pton(AF_INET, terminated.data(), ipv4.data()) == 1) return mapped_ipv4(ipv4);
  return std::nullopt;
}

Result<std::string> AddressSet::normalised(std::string_view text) {
  if (text == "unix") return std::string(text);
  const Result<Network> network = parse_network(text);
  if (!network) return network.error();
  const AddressBytes bytes = with_host_bits(network->address, network->prefix, false);
  const bool ipv4 = network->ipv4 || (is_mapped_ipv4(bytes) && network->prefix >= kMappedBits);
  char buffer[INET6_ADDRSTRLEN] = {};
  std::string out = ipv4 ? ::inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer)
                         : ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  if (network->prefix < kBits) out += "/" + std::to_string(network->prefix - (ipv4 ? kMappedBits : 0));
  return out;
}

AddressSet::Ranges AddressSet::joined(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges apart;
  for (const Range& range : ranges) {
    if (!apart.empty() && range.first <= apart.back().last)
      apart.back().last = std::max(apart.back().last, range.last);
    else
      apart.push_back(range);
  }
  return apart;
}

Result<AddressSet> AddressSet::of(const std::vector<std::string>& texts) {
  AddressSet set;
  for (const std::string& text : texts) {
    if (text == "unix") {
      set.unix_ = true;
      continue;
    }
    const Result<Network> network = parse_network(text);
    if (!network) return network.error();
    const Range range{with_host_bits(network->address, network->prefix, false),
                      with_host_bits(network->address, network->prefix, true)};
    const bool ipv4 = is_mapped_ipv4(range.first) && network->prefix >= kMappedBits;
    (ipv4 ? set.ipv4_ : set.ipv6_).push_back(range);
  }
  set.ipv4_ = joined(std::move(set.ipv4_));
  set.ipv6_ = joined(std::move(set.ipv6_));
  return set;
}

bool AddressSet::contains(const AddressBytes& address) const {
  const Ranges& ranges = is_mapped_ipv4(address) ? ipv4_ : ipv6_;
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), address,
                       [](const AddressBytes& value, const Range& range) { return value < range.first; });
  return behind != ranges.begin() && address <= std::prev(behind)->last;
}

bool AddressSet::contains(std::string_view address) const {
  if (address == "unix") return unix_;
  const std::optional<AddressBytes> bytes = parse_address(address);
  return bytes && contains(*bytes);
}

}  // namespace holdfast
