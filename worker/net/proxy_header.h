// The PROXY protocol, versions 1 and 2: what a load balancer sends ahead of everything else, TLS too, to tell
// whose connection it passes on. After HAProxy's proxy-protocol.txt; section numbers here are its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "worker/net/peer_address.h"

namespace holdfast::net {

/// The longest header that is taken. Version 1 has 107 bytes at most; version 2 may say up to 64 KiB, but what
/// senders add to the addresses (names, the client's certificate) is not looked at here and stays far below.
constexpr std::size_t kLongestProxyHeader = 4096;

struct ProxyHeader {
  enum class Outcome : std::uint8_t {
    Consumed,
    NeedMore,
    Refused,
    Gone  // the sender has left before its first byte; of take_proxy_header() only
  };
  Outcome outcome = Outcome::NeedMore;
  std::size_t consumed = 0;           // the header's own length: what follows it is not touched
  std::optional<PeerAddress> source;  // nothing: the socket's own address counts
  std::string_view why;               // of a refusal, for the log
};

/// Judges what has arrived so far, from its first byte on; with NeedMore, ask again with more.
ProxyHeader parse_proxy_header(std::span<const std::byte> input);

/// Looks at what waits in the socket and takes a complete header from it, to the byte. Until then all of it
/// stays in the socket, so that a connection keeps nothing meanwhile. `room` is scratch space of at least
/// kLongestProxyHeader bytes.
ProxyHeader take_proxy_header(int socket, std::span<std::byte> room);

}  // namespace holdfast::net
