#include "worker/http1/request_parser.h"

#include <cstring>
#include <optional>

#include "common/ascii.h"
#include "worker/http/head_lines.h"

namespace holdfast::http1 {
namespace {

using http::HeadEnd;
using http::HeadLines;
using stats::BadRequest;
using Refusal = std::optional<BadRequest>;

// RFC 9112 section 2.2 lets a server skip an empty line before a request; more than a few is no client of ours.
constexpr std::size_t kMaxLeadingLines = 4;

std::size_t skip_empty_lines(std::string_view input) {
  std::size_t at = 0;
  for (std::size_t lines = 0; lines < kMaxLeadingLines && input.substr(at).starts_with("\r\n"); ++lines)
    at += 2;
  return at;
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

/// The place of the space before the version, which is nearly always the same text.
std::size_t find_version(std::string_view line) {
  constexpr std::string_view kUsual = " HTTP/1.1";
  return line.ends_with(kUsual) ? line.size() - kUsual.size() : line.rfind(' ');
}

Refusal take_request_line(std::string_view line, RequestHead& head) {
  std::size_t first = 0;
  while (first < line.size() && is_token_char(line[first])) ++first;
  const std::size_t last = find_version(line);
  if (first == 0 || first == line.size() || line[first] != ' ')
    return line.find(' ') == last ? BadRequest::RequestLine : BadRequest::Method;
  if (last == first) return BadRequest::RequestLine;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (head.target.empty() || !is_visible(head.target)) return BadRequest::Target;
  return take_version(line.substr(last + 1), head);
}

Refusal take_fields(HeadLines& lines, RequestHead& head) {
  std::size_t count = 0;
  for (; count < lines.count && !lines.fields[count].name.empty(); ++count)
    if (!http::split_field_line(lines.fields[count].name, lines.clean, lines.fields[count]))
      return BadRequest::FieldLine;
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

ParseResult parse_request_head(std::string_view input, std::size_t& scanned, const HeadLimits& limits,
                               std::span<api::Field> storage) {
  const std::size_t start = skip_empty_lines(input);
  const std::string_view head_and_more = input.substr(start);
  if (head_and_more.empty()) return NeedMore{};
  if (!is_token_char(head_and_more.front()) && head_and_more != "\r") return Refused{BadRequest::RequestLine};

  // `scanned` counts from the head's first byte, which skipped lines do not change once it is there.
  const std::size_t scanned_before = scanned;
  HeadLines lines(storage);
  const HeadEnd end = http::find_head_end(head_and_more, scanned, lines);
  if (end == HeadEnd::BareLf) return Refused{BadRequest::FieldLine};
  if (end == HeadEnd::Missing) {
    if (const Refusal refusal = check_size(head_and_more, limits)) return Refused{*refusal};
    if (const Refusal refusal = check_first_line(head_and_more, scanned_before)) return Refused{*refusal};
    return NeedMore{};
  }
  if (scanned_before > 0) {
    // It came in parts: now the lines of all of them.
    lines = HeadLines(storage);
    std::size_t anew = 0;
    http::find_head_end(head_and_more.substr(0, scanned), anew, lines);
  }
  if (lines.first.size() > limits.request_line) return Refused{BadRequest::RequestLineTooLong};
  if (scanned - lines.first.size() - 2 > limits.fields + 2) return Refused{BadRequest::HeadTooLarge};

  Parsed parsed{start + scanned, {}};
  if (const Refusal refusal = take_request_line(lines.first, parsed.head)) return Refused{*refusal};
  if (const Refusal refusal = take_fields(lines, parsed.head)) return Refused{*refusal};
  return parsed;
}

}  // namespace holdfast::http1
