// Incremental parser of an HTTP/1 request head (RFC 9112 sections 2 to 5): consumed, need more, or refused and
// why. Pure; no I/O, no allocation, results are views into the input. Strict: bare CR or LF, NUL and other
// controls, white space before the colon, folded lines and anything else two parsers could read differently is
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "common/api/request.h"
#include "common/stats/metric_table.h"

namespace holdfast::http1 {

struct HeadLimits {
  std::size_t request_line = 0;  // bytes, without CRLF
  std::size_t fields = 0;        // bytes of the whole field section
  std::size_t field_count = 0;
};

/// Views into the parsed input.
struct RequestHead {
  std::string_view method;
  std::string_view target;
  api::Version version = api::Version::Http11;
  std::span<api::Field> fields;  // in the storage that the caller gave
};

struct NeedMore {};
struct Refused {
  stats::BadRequest why;
};
struct Parsed {
  std::size_t consumed;  // bytes of the head, leading empty lines included
  RequestHead head;
};
using ParseResult = std::variant<NeedMore, Refused, Parsed>;

/// `scanned` is where the search for the end goes on (0 at first, kept by the caller between calls with a
/// growing input), so that a head arriving byte by byte costs linear time. `storage` needs limits.field_count
/// places.
ParseResult parse_request_head(std::string_view input, std::size_t& scanned, const HeadLimits& limits,
                               std::span<api::Field> storage);

}  // namespace holdfast::http1
