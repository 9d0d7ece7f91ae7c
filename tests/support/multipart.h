// Reads a multipart/byteranges body as a strict client does (RFC 2046 section 5.1.1): every octet must be where
// the grammar wants it, or there is no answer at all.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::support {

struct RangePart {
  std::string content_type;
  std::string content_range;
  std::string body;
  bool operator==(const RangePart&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const RangePart& part) {
  return out << '[' << part.content_type << "] [" << part.content_range << "] " << part.body.size() << " bytes";
}

/// Empty when the type is not multipart/byteranges.
inline std::string boundary_of(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/byteranges; boundary=";
  return std::string(content_type.starts_with(kType) ? content_type.substr(kType.size()) : "");
}

/// Takes "Name: value\r\n" from the front.
inline bool take_line(std::string_view& text, std::string_view name, std::string& value) {
  const std::size_t end = text.find("\r\n");
  if (!text.starts_with(name) || end == std::string_view::npos) return false;
  value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 2);
  return true;
}

inline bool take_text(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

/// The parts of the whole `body`; nullopt when it is not well formed to its last octet.
inline std::optional<std::vector<RangePart>> read_parts(std::string_view content_type, std::string_view body) {
  const std::string delimiter = "\r\n--" + boundary_of(content_type);
  if (delimiter.size() == 4 || !take_text(body, delimiter.substr(2))) return std::nullopt;
  std::vector<RangePart> parts;
  while (!take_text(body, "--\r\n")) {
    RangePart& part = parts.emplace_back();
    std::string rest_of_delimiter;
    if (!take_line(body, "", rest_of_delimiter) || !rest_of_delimiter.empty() ||
        !take_line(body, "Content-Type: ", part.content_type) ||
        !take_line(body, "Content-Range: ", part.content_range) || !take_text(body, "\r\n"))
      return std::nullopt;
    const std::size_t end = body.find(delimiter);
    if (end == std::string_view::npos) return std::nullopt;
    part.body = body.substr(0, end);
    body.remove_prefix(end + delimiter.size());
  }
  if (!body.empty()) return std::nullopt;
  return parts;
}

}  // namespace holdfast::support
