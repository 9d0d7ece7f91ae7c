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

/// Not so what a recipient must know before the content: framing, routing, authentication, controls and what
/// describes the content (RFC 9110 section 6.5.1).
constexpr bool may_be_trailer(std::string_view name) {
  constexpr std::string_view kNever[] = {
      // framing and the connection
      "transfer-encoding", "content-length", "trailer", "te", "connection", "keep-alive", "upgrade",
      "proxy-connection",
      // routing and controls of requests
      "host", "expect", "max-forwards", "range", "if-match", "if-none-match", "if-modified-since",
      "if-unmodified-since", "if-range", "forwarded", "x-forwarded-for", "x-forwarded-host",
      "x-forwarded-proto", "x-real-ip",
      // authentication
      "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "cookie", "set-cookie",
      // controls of responses
      "age", "cache-control", "date", "expires", "location", "pragma", "retry-after", "vary",
      // the content
      "content-type", "content-encoding", "content-range", "content-language", "content-location",
      "content-disposition"};
  if (name.starts_with(':')) return false;
  for (const std::string_view never : kNever)
    if (ascii_iequals(name, never)) return false;
  return true;
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
