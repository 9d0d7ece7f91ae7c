#include "worker/upstream/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "common/ascii.h"

namespace holdfast::upstream {
namespace {

constexpr std::size_t kMostBytes = 16 * 1024;
constexpr std::size_t kMostNameBytes = 253;  // RFC 1035 section 3.1, as text
constexpr std::size_t kMostLabelBytes = 63;

Error wrong(std::string text) {
  return {ErrorKind::Configuration, 0, std::move(text)};
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_address(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

// Letters, digits, hyphens, and the underscore that names of services have.
bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kMostLabelBytes) return false;
  return std::ranges::all_of(label, [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_';
  });
}

// What inet_aton() would take for a part of an address.
bool is_number(std::string_view label) {
  if (label.starts_with("0x")) return true;
  return std::ranges::all_of(label, is_ascii_digit);
}

Result<void> take_name(std::string_view host, Url& url) {
  std::string_view rest = host;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  if (rest.empty() || rest.size() > kMostNameBytes) return wrong("must name a host");
  std::string_view label;
  while (true) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label))
      return wrong("must name its host by letters, digits, dots and hyphens, in punycode if need be");
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!is_number(label)) return {};
  url.literal = is_address(AF_INET, url.host);
  if (!url.literal) return wrong("must write an IPv4 address as four decimal numbers");
  return {};
}

Result<void> take_port(std::string_view text, Url& url) {
  if (text.empty()) return {};
  const std::optional<std::uint64_t> port = parse_decimal(text);
  if (!port || *port == 0 || *port > 65535) return wrong("must have a port from 1 to 65535");
  url.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> take_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos)
    return wrong("must not hold a user name or password: send them as the field Authorization");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong("must close the bracket of its IPv6 address");
    url.host = ascii_lowered(authority.substr(1, end - 1));
    url.literal = is_address(AF_INET6, url.host);
    if (!url.literal) return wrong("must hold an IPv6 address, without a zone, between its brackets");
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return wrong("must have nothing but a port behind the bracket");
    if (!port.empty()) port.remove_prefix(1);
    url.authority = "[" + url.host + "]";
  } else {
    const std::size_t colon = authority.find(':');
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    url.host = ascii_lowered(authority.substr(0, colon));
    if (Result<void> taken = take_name(url.host, url); !taken) return taken;
    url.authority = url.host;
  }
  const std::uint16_t usual = url.port;
  if (Result<void> taken = take_port(port, url); !taken) return taken;
  if (url.port != usual) url.authority += ":" + std::to_string(url.port);
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  const std::string_view scheme = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  url.secure = ascii_iequals(scheme, "https");
  if (!url.secure && !ascii_iequals(scheme, "http")) return wrong("must begin with http:// or https://");
  if (text.size() > kMostBytes) return wrong("must not be longer than 16 KiB");
  if (!is_visible(text))
    return wrong("must not hold spaces, control bytes or bytes beyond ASCII: percent-encode them");
  url.port = url.secure ? 443 : 80;
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = rest.find_first_of("/?\\");
  if (Result<void> taken = take_authority(rest.substr(0, end), url); !taken) return taken.error();
  if (end == std::string_view::npos) return url;
  if (rest[end] == '\\') return wrong("must separate its path by /, not by \\");
  url.target = rest.substr(end);
  if (url.target.front() == '?') url.target.insert(0, 1, '/');
  return url;
}

}  // namespace holdfast::upstream
