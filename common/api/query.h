// The query of a target as forms write it: "name=value&other=two+words" (URL standard,
// application/x-www-form-urlencoded), decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ascii.h"

namespace holdfast::api {

/// "+" is a space, %XX a byte; what is no such escape stays as it is.
inline std::string form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// Calls `each(name, value)` with both parts, decoded, of every non-empty piece, in order; a piece without "="
/// has an empty value. The views end with the call.
template <class Each>
void for_each_query_pair(std::string_view query, Each each) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    const std::string name = form_decoded(piece.substr(0, equals));
    const std::string value =
        equals == std::string_view::npos ? std::string() : form_decoded(piece.substr(equals + 1));
    each(std::string_view(name), std::string_view(value));
  }
}

/// The first value of that name (case-sensitive), decoded.
inline std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  for_each_query_pair(query, [&](std::string_view one, std::string_view value) {
    if (!found && one == name) found = value;
  });
  return found;
}

}  // namespace holdfast::api
