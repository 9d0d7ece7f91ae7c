// Endpoint: an address that can be listened on: IPv4, IPv6 or a unix socket path. A value; compares by what it
// binds.
#pragma once

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace holdfast {

class Endpoint {
 public:
  Endpoint() = default;

  /// Reads "0.0.0.0:8080", "[::]:8443", "localhost:80" (as 127.0.0.1), ":8080" (all IPv4 and IPv6 addresses, as
  /// "[::]:8080") or "unix:/run/x.sock". Names other than localhost are refused: a listener binds addresses.
  static Result<Endpoint> parse(std::string_view text);
  /// The address a socket reports (getsockname, accept).
  static Endpoint from_sockaddr(const sockaddr* address, socklen_t length);

  bool is_unix() const;
  int family() const;
  std::uint16_t port() const;  // 0 for unix sockets and for "kernel chooses"
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  /// "127.0.0.1:8080", "[::1]:8080", "unix:/path".
  std::string text() const;
  /// The address without the port, as written in logs: "127.0.0.1", "::1"; "unix" for unix sockets.
  std::string host_text() const;

  bool operator==(const Endpoint& other) const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace holdfast
