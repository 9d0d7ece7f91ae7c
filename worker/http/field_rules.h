// Rules about fields that the core owns (RFC 9110 section 7.6.1 and 6.6): what handlers may not set, what a
// value may hold.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/api/request.h"
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

/// Fields as they are sent, for api::ResponseHead::text. Names and values have been checked by the caller.
inline std::string fields_text(std::span<const api::Field> fields) {
  std::string text;
  for (const api::Field& field : fields)
    if (!is_core_field(field.name)) text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text;
}

/// No CR, LF or NUL, which would split a response (RFC 9110 section 5.5).
constexpr bool is_safe_value(std::string_view value) {
  bool unsafe = false;
  for (const char c : value) unsafe |= c == '\r' || c == '\n' || c == '\0';
  return !unsafe;
}

}  // namespace holdfast::http
