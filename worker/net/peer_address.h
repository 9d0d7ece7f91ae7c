// The other end of a connection: an address in 20 bytes; text is made only when somebody asks.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string>

#include "common/address_set.h"

namespace holdfast::net {

struct PeerAddress {
  std::uint8_t bytes[16]{};
  std::uint16_t port = 0;
  std::uint8_t family = 0;  // 4, 6, or 0 for unix sockets

  static PeerAddress from(const sockaddr_storage& address);
  /// From 4 or 16 bytes in network order; an IPv4 address mapped into IPv6 is taken for what it is.
  static PeerAddress inet(const void* address, std::uint16_t port);
  static PeerAddress inet6(const void* address, std::uint16_t port);
  std::string text() const;
  AddressBytes mapped() const;  // not of unix sockets
  /// 4 or 16 bytes in network order; none for unix sockets.
  std::span<const std::uint8_t> address() const;
};

}  // namespace holdfast::net
