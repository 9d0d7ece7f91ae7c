// Where an outgoing request goes: http and https URLs (RFC 3986, RFC 9110 section 4.2), read strictly, so that
// no two parsers see different hosts in one and no request can be split by it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace holdfast::upstream {

struct Url {
  bool secure = false;       // https
  bool literal = false;      // `host` is an address
  std::uint16_t port = 0;    // of the scheme, when none is given
  std::string host;          // lower case, an IPv6 address without brackets
  std::string authority;     // for the Host field: with brackets, the port unless it is the scheme's
  std::string target = "/";  // path and query as they are, without fragment

  /// "https://host:8443", for messages: it holds nothing that could be a secret.
  std::string origin() const { return std::string(secure ? "https://" : "http://") + authority; }
};

/// Fails with a message that says what is wrong; it begins with a verb: "must begin with http:// or https://".
/// Refused are other schemes, user names (RFC 9110 section 4.2.4), control bytes, spaces and bytes beyond
/// ASCII, zones of IPv6 addresses, and numbers that only some take for an IPv4 address ("0x7f.1").
Result<Url> parse_url(std::string_view text);

}  // namespace holdfast::upstream
