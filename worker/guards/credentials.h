// The Authorization field of the Basic scheme (RFC 7617 section 2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::guards {

struct Credentials {
  std::string user;
  std::string password;
};

/// Name and password of "Basic BASE64"; nothing for other schemes, bad base64, no colon, control characters in
/// the name, or more than 1 KiB.
std::optional<Credentials> parse_basic(std::string_view authorization);

}  // namespace holdfast::guards
