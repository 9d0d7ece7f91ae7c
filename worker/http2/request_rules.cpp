#include "worker/http2/request_rules.h"

#include <algorithm>

#include "common/ascii.h"
#include "worker/http/head_lines.h"

namespace holdfast::http2 {
namespace {

/// RFC 9113 section 8.2.1: a token without upper case.
bool is_name(std::string_view name) {
  if (name.empty()) return false;
  bool good = true;
  for (const char c : name) good &= is_token_char(c) && !(c >= 'A' && c <= 'Z');
  return good;
}

/// RFC 9113 section 8.2.1: no controls, and no blank at either end.
bool is_value(std::string_view value) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) return false;
  return http::is_field_value(value);
}

/// RFC 9113 section 8.2.2: fields about a connection.
bool is_of_connection(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 2:
      return name == "te" && !ascii_iequals(value, "trailers");
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

bool is_regular(std::string_view name, std::string_view value) {
  return is_name(name) && is_value(value) && !is_of_connection(name, value);
}

bool is_letter(char c) {
  return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

bool is_scheme(std::string_view text) {
  if (text == "https" || text == "http") return true;
  const auto may_follow = [](char c) {
    return is_letter(c) || is_ascii_digit(c) || c == '+' || c == '-' || c == '.';
  };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, may_follow);
}

}  // namespace

bool RequestRules::once(Seen what) {
  const bool first = (seen_ & what) == 0;
  seen_ |= what;
  return first;
}

bool RequestRules::take(std::string_view name, std::string_view value) {
  if (name.starts_with(':')) return !fields_began_ && take_pseudo(name, value);
  fields_began_ = true;
  if (!is_regular(name, value)) return false;
  if (name == "host") return once(Host);
  if (name == "content-length") {
    length_ = parse_decimal(value);
    return length_ && once(Length);
  }
  if (name == "priority") priority_ = priority_from(value);
  return true;
}

// RFC 9113 section 8.3.1, RFC 8441 section 4.
bool RequestRules::take_pseudo(std::string_view name, std::string_view value) {
  if (value.empty()) return false;
  switch (name.size()) {
    case 5:
      path_is_asterisk_ = value == "*";
      return name == ":path" && once(Path) && is_visible(value) && (value.front() == '/' || path_is_asterisk_);
    case 7:
      if (name == ":scheme") return once(Scheme) && is_scheme(value);
      connects_ = value == "CONNECT";
      asks_options_ = value == "OPTIONS";
      return name == ":method" && once(Method) && is_token(value);
    case 9:
      return name == ":protocol" && once(Protocol) && is_token(value);
    case 10:
      return name == ":authority" && once(Authority) && is_visible(value);
    default:
      return false;
  }
}

bool RequestRules::is_trailer(std::string_view name, std::string_view value) {
  return is_regular(name, value);
}

bool RequestRules::complete() const {
  const auto has = [&](unsigned what) { return (seen_ & what) == what; };
  if (!has(Method)) return false;
  // RFC 9113 section 8.5.
  if (connects_ && !has(Protocol)) return has(Authority) && (seen_ & (Scheme | Path)) == 0;
  if (has(Protocol) && (!connects_ || !has(Authority))) return false;
  return has(Scheme | Path) && (!path_is_asterisk_ || asks_options_);
}

}  // namespace holdfast::http2
