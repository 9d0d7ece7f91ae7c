#include "common/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace holdfast {
namespace {

Error bad_endpoint(std::string_view text, const std::string& why) {
  return Error{ErrorKind::Configuration, 0, "'" + std::string(text) + "' " + why};
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failure == std::errc() && end == text.data() + text.size() && !text.empty();
}

const sockaddr_in& as_in(const sockaddr_storage& s) {
  return reinterpret_cast<const sockaddr_in&>(s);
}
const sockaddr_in6& as_in6(const sockaddr_storage& s) {
  return reinterpret_cast<const sockaddr_in6&>(s);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    auto& address = reinterpret_cast<sockaddr_un&>(endpoint.storage_);
    if (path.empty() || path.front() != '/') return bad_endpoint(text, "needs an absolute path after unix:");
    if (path.size() >= sizeof(address.sun_path)) return bad_endpoint(text, "is longer than 107 bytes");
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    endpoint.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    std::uint16_t alone = 0;
    if (parse_port(text, alone))
      return bad_endpoint(text, "is a port without an address (write 0.0.0.0:" + std::string(text) + ")");
    return bad_endpoint(text, "has no port (write ADDRESS:PORT)");
  }
  std::uint16_t port = 0;
  if (!parse_port(text.substr(colon + 1), port)) return bad_endpoint(text, "has no valid port (0 to 65535)");
  std::string host(text.substr(0, colon));
  if (host.empty()) host = "[::]";
  if (host == "localhost") host = "127.0.0.1";
  if (host.front() == '[' && host.back() == ']') {
    auto& address = reinterpret_cast<sockaddr_in6&>(endpoint.storage_);
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr) != 1)
      return bad_endpoint(text, "is not an IPv6 address in brackets");
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    endpoint.length_ = sizeof(sockaddr_in6);
    return endpoint;
  }
  if (host == "*")
    return bad_endpoint(text, "is not an address (all of them are 0.0.0.0, or [::] with those of IPv6)");
  auto& address = reinterpret_cast<sockaddr_in&>(endpoint.storage_);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return bad_endpoint(text, "is not an address (write 127.0.0.1:80, [::1]:80 or unix:/path)");
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  endpoint.length_ = sizeof(sockaddr_in);
  return endpoint;
}

Endpoint Endpoint::from_sockaddr(const sockaddr* address, socklen_t length) {
  Endpoint endpoint;
  if (length > sizeof(endpoint.storage_)) length = sizeof(endpoint.storage_);
  std::memcpy(&endpoint.storage_, address, length);
  endpoint.length_ = length;
  return endpoint;
}

bool Endpoint::is_unix() const {
  return family() == AF_UNIX;
}

int Endpoint::family() const {
  return storage_.ss_family;
}

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET) return ntohs(as_in(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(as_in6(storage_).sin6_port);
  return 0;
}

std::string Endpoint::text() const {
  if (is_unix()) return "unix:" + std::string(reinterpret_cast<const sockaddr_un&>(storage_).sun_path);
  const std::string port = ":" + std::to_string(this->port());
  return family() == AF_INET6 ? "[" + host_text() + "]" + port : host_text() + port;
}

std::string Endpoint::host_text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) return inet_ntop(AF_INET, &as_in(storage_).sin_addr, buffer, sizeof buffer);
  if (family() == AF_INET6) {
    const in6_addr& address = as_in6(storage_).sin6_addr;
    // An IPv4 client of a dual-stack listener is logged as what it is.
    if (IN6_IS_ADDR_V4MAPPED(&address)) return inet_ntop(AF_INET, &address.s6_addr[12], buffer, sizeof buffer);
    return inet_ntop(AF_INET6, &address, buffer, sizeof buffer);
  }
  return "unix";
}

bool Endpoint::operator==(const Endpoint& other) const {
  return length_ == other.length_ && std::memcmp(&storage_, &other.storage_, length_) == 0;
}

}  // namespace holdfast
