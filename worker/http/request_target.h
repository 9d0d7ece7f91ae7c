// The request target taken apart (RFC 9112 section 3.2, RFC 3986): path decoded once, dot segments removed.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/api/request.h"

namespace holdfast::http {

enum class TargetForm : std::uint8_t { Origin, Absolute, Authority, Asterisk, Refused };

struct RequestTarget {
  TargetForm form = TargetForm::Refused;
  bool https = false;          // Absolute: the scheme
  bool encoded_slash = false;  // %2F or %5C occurred; left undecoded in `path`
  std::string_view path;       // begins with '/', "*" for Asterisk, empty for Authority
  std::string_view query;      // raw, without '?'
  std::string_view authority;  // Absolute, Authority: host[:port] as written
};

/// Room that `decoded` needs for a target: at most its own size plus one.
constexpr std::size_t decoded_room(std::string_view target) {
  return target.size() + 1;
}

/// Takes `target` apart. The views point into `target` or, where decoding or dot-segment removal changed the
/// path, into `decoded` (which has decoded_room(target) bytes). Refused: not one of the four forms, a bad or
/// NUL escape, control bytes, a backslash, a fragment, or dot segments that climb above the root. Empty
/// segments ("//") are kept.
RequestTarget parse_request_target(std::string_view target, api::Method method, std::span<char> decoded);

/// Host field value or authority -> host without port, or nullopt when it is malformed (RFC 9112 section 3.2,
/// RFC 3986 section 3.2.2). IPv6 keeps its brackets. An empty host is valid and yields an empty view.
std::optional<std::string_view> host_of_authority(std::string_view authority);

}  // namespace holdfast::http
