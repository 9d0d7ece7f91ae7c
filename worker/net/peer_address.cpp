#include "worker/net/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace holdfast::net {

PeerAddress PeerAddress::inet(const void* address, std::uint16_t port) {
  PeerAddress peer;
  std::memcpy(peer.bytes, address, 4);
  peer.port = port;
  peer.family = 4;
  return peer;
}

PeerAddress PeerAddress::inet6(const void* address, std::uint16_t port) {
  in6_addr in6;
  std::memcpy(&in6, address, sizeof in6);
  if (IN6_IS_ADDR_V4MAPPED(&in6)) return inet(&in6.s6_addr[12], port);
  PeerAddress peer;
  std::memcpy(peer.bytes, &in6, sizeof in6);
  peer.port = port;
  peer.family = 6;
  return peer;
}

PeerAddress PeerAddress::from(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return inet(&in.sin_addr, ntohs(in.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
    return inet6(&in6.sin6_addr, ntohs(in6.sin6_port));
  }
  return {};
}

std::span<const std::uint8_t> PeerAddress::address() const {
  const std::size_t size = family == 0 ? 0 : family == 4 ? 4 : sizeof bytes;
  return {bytes, size};
}

std::string PeerAddress::text() const {
  if (family == 0) return "unix";
  char buffer[INET6_ADDRSTRLEN] = {};
  return inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer);
}

AddressBytes PeerAddress::mapped() const {
  if (family == 4) return mapped_ipv4(std::span<const std::uint8_t, 4>(bytes, 4));
  AddressBytes address;
  std::copy(std::begin(bytes), std::end(bytes), address.begin());
  return address;
}

}  // namespace holdfast::net
