// The head of an HTTP/1.1 message, cut into its lines: where it ends, and what a field line holds (RFC 9112
// sections 2.2, 5). Requests and responses share it. Pure; results are views into the input. A line ends with
// CRLF and nothing else, because a lone CR or LF means different things to different parsers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/api/request.h"
#include "common/ascii.h"
#include "worker/http/head_scan.h"

namespace holdfast::http {

/// Where the lines of a head are, found on the way to its end.
struct HeadLines {
  /// `room` outlives this, and is what the fields stand in when all is well.
  explicit HeadLines(std::span<api::Field> room) : fields(room) {}

  void add(std::string_view line) {
    if (first.data() == nullptr) {
      first = line;
    } else if (count < fields.size()) {
      fields[count++].name = line;
    } else {
      too_many = too_many || !line.empty();
    }
  }

  std::string_view first;
  std::span<api::Field> fields;  // a line each, as its name
  std::size_t count = 0;         // with the empty line that ends the head, when there is room for it
  bool too_many = false;
  bool clean = true;  // no control byte but the CRLF of each line
};

enum class HeadEnd : std::uint8_t {
  Missing,  // so far
  Found,    // `scanned` is one past the final CRLF
  BareLf    // an LF without its CR, refused as soon as it is seen
};

/// Finds the empty line that ends the head, from `scanned` on (0 at first, kept by the caller between calls
/// with a growing input), so that a head that comes byte by byte costs linear time. `lines` gets the lines that
/// were found by this call.
HeadEnd find_head_end(std::string_view head, std::size_t& scanned, HeadLines& lines);

/// A field value's bytes: no controls but HTAB, no DEL (RFC 9110 section 5.5).
inline bool is_field_value(std::string_view value) {
  const char* const end = value.data() + value.size();
  return find_control(value.data(), end) == end;
}

/// Name and value of a line; false: it is none. White space before the colon, or in front of the line
/// (folding), ends the name early and is refused (RFC 9112 sections 5.1, 5.2). `clean`: the line holds no
/// control byte.
inline bool split_field_line(std::string_view line, bool clean, api::Field& field) {
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon])) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return false;
  field.name = line.substr(0, colon);
  field.value = trim_ows(line.substr(colon + 1));
  return clean || is_field_value(field.value);
}

}  // namespace holdfast::http
