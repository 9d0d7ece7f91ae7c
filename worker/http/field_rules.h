// Rules about fields that the core owns (RFC 9110 section 7.6.1 and 6.6): what handlers may not set, what a
// value may hold.
#pragma once

#include <string_view>

#include "common/ascii.h"

namespace holdfast::http {

/// Date, Connection, Content-Length, Transfer-Encoding: the core writes them.
constexpr bool is_core_field(std::string_view name) {
  switch (name.size()) {
    case 4:
      return ascii_iequals(name, "date");
    case 10:
      return ascii_iequals(name, "connection");
    case 14:
      return ascii_iequals(name, "content-length");
    case 17:
      return ascii_iequals(name, "transfer-encoding");
    default:
      return false;
  }
}

/// No CR, LF or NUL, which would split a response (RFC 9110 section 5.5).
constexpr bool is_safe_value(std::string_view value) {
  bool unsafe = false;
  for (const char c : value) unsafe |= c == '\r' || c == '\n' || c == '\0';
  return !unsafe;
}

}  // namespace holdfast::http
