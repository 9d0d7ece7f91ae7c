#include "worker/http1/request_parser.h"

#include <cstring>
#include <optional>

#include "common/ascii.h"

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

std::size_t skip_empty_lines(std::string_view input) {
  std::size_t at = 0;
  for (std::size_t lines = 0; lines < kMaxLeadingLines && input.substr(at).starts_with("\r\n"); ++lines)
    at += 2;
  return at;
}

// Finds the empty line that ends the head. Every LF needs its CR: a lone one is refused as soon as it is seen.
Scan find_end(std::string_view head, std::size_t& scanned) {
  while (scanned < head.size()) {
    const void* found = std::memchr(head.data() + scanned, '\n', head.size() - scanned);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - head.data());
    if (at == 0 || head[at - 1] != '\r') return {Scan::Outcome::Bad, 0, BadRequest::FieldLine};
    scanned = at + 1;
    if (at >= 3 && head[at - 2] == '\n') return {Scan::Outcome::Complete, at + 1, {}};
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

Refusal take_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return BadRequest::RequestLine;
  const std::size_t last = line.rfind(' ');
  if (last == first) return BadRequest::RequestLine;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return BadRequest::Method;
  for (const char c : head.target)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return BadRequest::Target;
  if (head.target.empty()) return BadRequest::Target;
  return take_version(line.substr(last + 1), head);
}

Refusal take_field_line(std::string_view line, api::Field& field) {
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon])) ++colon;
  // White space before the colon, or in front of the line (folding), ends the token early (RFC 9112
  // sections 5.1, 5.2).
  if (colon == 0 || colon == line.size() || line[colon] != ':') return BadRequest::FieldLine;
  field.name = line.substr(0, colon);
  field.value = trim_ows(line.substr(colon + 1));
  if (!is_field_value(field.value)) return BadRequest::FieldLine;
  return std::nullopt;
}

// `section` is every field line with its CRLF, without the final empty line.
Refusal take_fields(std::string_view section, std::span<api::Field> storage, RequestHead& head) {
  std::size_t count = 0;
  while (!section.empty()) {
    const std::size_t end = section.find('\n');
    if (count == storage.size()) return BadRequest::TooManyFields;
    if (const Refusal refusal = take_field_line(section.substr(0, end - 1), storage[count])) return refusal;
    ++count;
    section.remove_prefix(end + 1);
  }
  head.fields = storage.first(count);
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
  // Without an early exit the compiler checks many bytes at once.
  bool bad = false;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    bad |= (byte < 0x20 && byte != '\t') || byte == 0x7f;
  }
  return !bad;
}

ParseResult parse_request_head(std::string_view input, std::size_t& scanned, const HeadLimits& limits,
                               std::span<api::Field> storage) {
  const std::size_t start = skip_empty_lines(input);
  const std::string_view head_and_more = input.substr(start);
  if (head_and_more.empty()) return NeedMore{};
  if (!is_token_char(head_and_more.front()) && head_and_more != "\r") return Refused{BadRequest::RequestLine};

  // `scanned` counts from the head's first byte, which skipped lines do not change once it is there.
  const std::size_t scanned_before = scanned;
  const Scan scan = find_end(head_and_more, scanned);
  if (scan.outcome == Scan::Outcome::Bad) return Refused{scan.why};
  if (scan.outcome == Scan::Outcome::Incomplete) {
    if (const Refusal refusal = check_size(head_and_more, limits)) return Refused{*refusal};
    if (const Refusal refusal = check_first_line(head_and_more, scanned_before)) return Refused{*refusal};
    return NeedMore{};
  }
  const std::string_view head_bytes = head_and_more.substr(0, scan.end);
  const std::size_t line_end = head_bytes.find('\n');
  if (line_end - 1 > limits.request_line) return Refused{BadRequest::RequestLineTooLong};
  if (head_bytes.size() - line_end - 1 > limits.fields + 2) return Refused{BadRequest::HeadTooLarge};

  Parsed parsed{start + scan.end, {}};
  if (const Refusal refusal = take_request_line(head_bytes.substr(0, line_end - 1), parsed.head))
    return Refused{*refusal};
  const std::string_view section = head_bytes.substr(line_end + 1, head_bytes.size() - line_end - 3);
  if (const Refusal refusal = take_fields(section, storage, parsed.head)) return Refused{*refusal};
  return parsed;
}

}  // namespace holdfast::http1
