#include "worker/http1/request_parser.h"

#include <cstring>
#include <optional>

#include "common/ascii.h"
#include "worker/http1/head_scan.h"

namespace holdfast::http1 {
namespace {

using stats::BadRequest;
using Refusal = std::optional<BadRequest>;

// RFC 9112 section 2.2 lets a server skip an empty line before a request; more than a few is no client of ours.
constexpr std::size_t kMaxLeadingLines = 4;

struct Scan {
  enum class Outcome : std::uint8_t { Incomplete, Complete, Bad } outcome = Outcome::Incomplete;
  std::size_t end = 0;  // one past the head's final CRLF
  BadRequest why{};
};

/// Where the lines of a head are, found on the way to its end.
struct Lines {
  explicit Lines(std::span<api::Field> room) : fields(room) {}

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

std::size_t skip_empty_lines(std::string_view input) {
  std::size_t at = 0;
  for (std::size_t lines = 0; lines < kMaxLeadingLines && input.substr(at).starts_with("\r\n"); ++lines)
    at += 2;
  return at;
}

// Finds the empty line that ends the head. Every LF needs its CR: a lone one is refused as soon as it is seen.
Scan find_end(std::string_view head, std::size_t& scanned, Lines& lines) {
  const char* const begin = head.data();
  const char* const end = begin + head.size();
  const char* line = begin + scanned;
  for (const char* at = line; (at = find_control(at, end)) != end; ++at) {
    if (*at == '\r' && end - at > 1 && at[1] == '\n') ++at;
    if (*at != '\n') {
      lines.clean = false;
      continue;
    }
    if (at == begin || at[-1] != '\r') return {Scan::Outcome::Bad, 0, BadRequest::FieldLine};
    lines.add({line, static_cast<std::size_t>(at - 1 - line)});
    line = at + 1;
    scanned = static_cast<std::size_t>(line - begin);
    if (at - begin >= 3 && at[-2] == '\n') return {Scan::Outcome::Complete, scanned, {}};
  }
  scanned = head.size();
  return {};
}

Refusal check_size(std::string_view head, const HeadLimits& limits) {
  if (head.size() > limits.request_line + 2 &&
      std::memchr(head.data(), '\n', limits.request_line + 2) == nullptr)
    return BadRequest::RequestLineTooLong;
  if (head.size() > limits.request_line + limits.fields + 4) return BadRequest::HeadTooLarge;
  return std::nullopt;
}

// HTTP-version = "HTTP/" DIGIT "." DIGIT; a higher minor version of 1 is answered as 1.1 (RFC 9110
// section 2.5).
Refusal take_version(std::string_view text, RequestHead& head) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_ascii_digit(text[5]) || text[6] != '.' ||
      !is_ascii_digit(text[7]))
    return BadRequest::RequestLine;
  if (text[5] != '1') return BadRequest::Version;
  head.version = text[7] == '0' ? api::Version::Http10 : api::Version::Http11;
  return std::nullopt;
}

// Without an early exit the compiler checks many bytes at once.
bool is_visible(std::string_view text) {
  bool bad = false;
  for (const char c : text) bad |= static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  return !bad;
}

Refusal take_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return BadRequest::RequestLine;
  const std::size_t last = line.rfind(' ');
  if (last == first) return BadRequest::RequestLine;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return BadRequest::Method;
  if (head.target.empty() || !is_visible(head.target)) return BadRequest::Target;
  return take_version(line.substr(last + 1), head);
}

Refusal take_field_line(std::string_view line, bool clean, api::Field& field) {
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon])) ++colon;
  // White space before the colon, or in front of the line (folding), ends the token early (RFC 9112
  // sections 5.1, 5.2).
  if (colon == 0 || colon == line.size() || line[colon] != ':') return BadRequest::FieldLine;
  field.name = line.substr(0, colon);
  field.value = trim_ows(line.substr(colon + 1));
  if (!clean && !is_field_value(field.value)) return BadRequest::FieldLine;
  return std::nullopt;
}

Refusal take_fields(Lines& lines, RequestHead& head) {
  std::size_t count = 0;
  for (; count < lines.count && !lines.fields[count].name.empty(); ++count)
    if (const Refusal refusal = take_field_line(lines.fields[count].name, lines.clean, lines.fields[count]))
      return refusal;
  if (lines.too_many) return BadRequest::TooManyFields;
  head.fields = lines.fields.first(count);
  return std::nullopt;
}

// A line that is no request line is refused once it is whole: its sender may wait for an answer before it goes
// on.
Refusal check_first_line(std::string_view head, std::size_t scanned_before) {
  const std::size_t end = head.find('\n');
  if (end == std::string_view::npos || end < scanned_before) return std::nullopt;
  RequestHead ignored;
  return take_request_line(head.substr(0, end - 1), ignored);
}

}  // namespace

bool is_field_value(std::string_view value) {
  const char* const end = value.data() + value.size();
  return find_control(value.data(), end) == end;
}

ParseResult parse_request_head(std::string_view input, std::size_t& scanned, const HeadLimits& limits,
                               std::span<api::Field> storage) {
  const std::size_t start = skip_empty_lines(input);
  const std::string_view head_and_more = input.substr(start);
  if (head_and_more.empty()) return NeedMore{};
  if (!is_token_char(head_and_more.front()) && head_and_more != "\r") return Refused{BadRequest::RequestLine};

  // `scanned` counts from the head's first byte, which skipped lines do not change once it is there.
  const std::size_t scanned_before = scanned;
  Lines lines(storage);
  const Scan scan = find_end(head_and_more, scanned, lines);
  if (scan.outcome == Scan::Outcome::Bad) return Refused{scan.why};
  if (scan.outcome == Scan::Outcome::Incomplete) {
    if (const Refusal refusal = check_size(head_and_more, limits)) return Refused{*refusal};
    if (const Refusal refusal = check_first_line(head_and_more, scanned_before)) return Refused{*refusal};
    return NeedMore{};
  }
  if (scanned_before > 0) {
    // It came in parts: now the lines of all of them.
    lines = Lines(storage);
    std::size_t anew = 0;
    find_end(head_and_more.substr(0, scan.end), anew, lines);
  }
  if (lines.first.size() > limits.request_line) return Refused{BadRequest::RequestLineTooLong};
  if (scan.end - lines.first.size() - 2 > limits.fields + 2) return Refused{BadRequest::HeadTooLarge};

  Parsed parsed{start + scan.end, {}};
  if (const Refusal refusal = take_request_line(lines.first, parsed.head)) return Refused{*refusal};
  if (const Refusal refusal = take_fields(lines, parsed.head)) return Refused{*refusal};
  return parsed;
}

}  // namespace holdfast::http1
