#include "worker/http/request_target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/ascii.h"

namespace holdfast::http {
namespace {

enum class Kind : std::uint8_t { Plain, Slash, Percent, Question, Bad };

// Bytes above 0x7F pass as they are: clients do send unescaped UTF-8, and nothing below mistakes them for
// something else.
constexpr std::array<Kind, 256> make_path_table() {
  std::array<Kind, 256> table{};
  for (std::size_t c = 0; c <= 0x20; ++c) table[c] = Kind::Bad;
  table[0x7f] = Kind::Bad;
  table['\\'] = Kind::Bad;
  table['#'] = Kind::Bad;
  table['/'] = Kind::Slash;
  table['%'] = Kind::Percent;
  table['?'] = Kind::Question;
  return table;
}
constexpr std::array<Kind, 256> kPathTable = make_path_table();
Kind kind_of(char c) {
  return kPathTable[static_cast<unsigned char>(c)];
}

// A query is passed on raw; what may not stand in a request line or starts a fragment is refused. A backslash
// may: browsers send it there unescaped.
bool query_is_clean(std::string_view query) {
  return std::none_of(query.begin(), query.end(), [](char c) { return kind_of(c) == Kind::Bad && c != '\\'; });
}

struct PathScan {
  std::size_t length = 0;  // up to '?' or the end
  bool rewrite = false;    // an escape, a segment that begins with a dot, or an empty one occurred
  bool bad = false;
};

PathScan scan_path(std::string_view text) {
  bool rewrite = false;
  for (std::size_t at = 0;; ++at) {
    while (at < text.size() && kind_of(text[at]) == Kind::Plain) ++at;
    if (at == text.size()) return {at, rewrite, false};
    const Kind kind = kind_of(text[at]);
    if (kind == Kind::Question) return {at, rewrite, false};
    if (kind == Kind::Bad) return {at, rewrite, true};
    const char next = at + 1 < text.size() ? text[at + 1] : 'x';
    rewrite |= kind == Kind::Percent || next == '.' || next == '/';
  }
}

/// Writes a path segment by segment: escapes decoded once, "." and ".." resolved as each segment ends. Empty
/// segments are left out, as the file system would: else `//a` would be the file of `/a`, but not its route.
class PathWriter {
 public:
  explicit PathWriter(std::span<char> room) : room_(room) {}

  bool write(std::string_view raw);
  bool encoded_slash() const { return encoded_slash_; }
  std::string_view path() const { return {room_.data(), size_}; }

 private:
  bool write_escape(std::string_view escape);
  void put(char c) { room_[size_++] = c; }
  bool end_segment(bool last);

  std::span<char> room_;
  std::size_t size_ = 0;
  std::size_t segment_ = 0;  // where the segment being written begins, behind its '/'
  bool encoded_slash_ = false;
};

bool PathWriter::write(std::string_view raw) {
  put('/');
  segment_ = size_;
  for (std::size_t i = 1; i < raw.size(); ++i) {
    if (raw[i] == '/') {
      if (!end_segment(false)) return false;
    } else if (raw[i] == '%') {
      if (!write_escape(raw.substr(i, 3))) return false;
      i += 2;
    } else {
      put(raw[i]);
    }
  }
  return end_segment(true);
}

// %2F and %5C stay escaped: decoded they would make a separator out of a character of a name.
bool PathWriter::write_escape(std::string_view escape) {
  if (escape.size() < 3) return false;
  const int high = hex_value(escape[1]);
  const int low = hex_value(escape[2]);
  if (high < 0 || low < 0) return false;
  const int value = high * 16 + low;
  if (value == 0) return false;
  if (value == '/' || value == '\\') {
    encoded_slash_ = true;
    for (const char c : escape) put(c);
  } else {
    put(static_cast<char>(value));
  }
  return true;
}

// RFC 3986 section 5.2.4, but a ".." with nothing left to remove is refused: no honest client sends it.
bool PathWriter::end_segment(bool last) {
  const std::string_view segment(room_.data() + segment_, size_ - segment_);
  if (segment.empty() && !last) return true;
  if (segment == ".") {
    size_ = segment_;
    return true;
  }
  if (segment == "..") {
    if (segment_ == 1) return false;
    const std::size_t parent = path().rfind('/', segment_ - 2);
    size_ = segment_ = parent + 1;
    return true;
  }
  if (!last) put('/');
  segment_ = size_;
  return true;
}

/// Path and query of `text`, which begins with '/'. False when refused.
bool take_path_and_query(std::string_view text, std::span<char> decoded, RequestTarget& target) {
  const PathScan scan = scan_path(text);
  if (scan.bad) return false;
  target.path = text.substr(0, scan.length);
  if (scan.length < text.size()) target.query = text.substr(scan.length + 1);
  if (!query_is_clean(target.query)) return false;
  if (!scan.rewrite) return true;
  PathWriter writer(decoded);
  if (!writer.write(target.path)) return false;
  target.path = writer.path();
  target.encoded_slash = writer.encoded_slash();
  return true;
}

constexpr std::string_view kHttps = "https://";

/// The length of "http://" or "https://" at the start, or 0: this server has no other scheme to serve.
std::size_t scheme_length(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("http://"), kHttps})
    if (ascii_iequals(target.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

// RFC 9110 section 4.2: an http URI with an empty host or with user information is refused.
RequestTarget parse_absolute(std::string_view target, std::span<char> decoded) {
  const std::size_t scheme = scheme_length(target);
  if (scheme == 0) return {};
  const std::string_view rest = target.substr(scheme);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  RequestTarget parsed;
  parsed.authority = rest.substr(0, end);
  const std::optional<std::string_view> host = host_of_authority(parsed.authority);
  if (!host || host->empty()) return {};
  if (end < rest.size() && rest[end] == '/') {
    if (!take_path_and_query(rest.substr(end), decoded, parsed)) return {};
  } else {
    parsed.path = "/";
    if (end < rest.size()) parsed.query = rest.substr(end + 1);
    if (!query_is_clean(parsed.query)) return {};
  }
  parsed.form = TargetForm::Absolute;
  parsed.https = scheme == kHttps.size();
  return parsed;
}

// CONNECT names host and port, both (RFC 9110 section 9.3.6).
RequestTarget parse_authority(std::string_view target) {
  const std::optional<std::string_view> host = host_of_authority(target);
  if (!host || host->empty() || host->size() + 1 >= target.size()) return {};
  RequestTarget parsed;
  parsed.form = TargetForm::Authority;
  parsed.authority = target;
  return parsed;
}

constexpr std::array<bool, 256> make_reg_name_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kRegName = make_reg_name_table();

/// Where the reg-name (RFC 3986 section 3.2.2) at the start of `text` ends.
std::size_t reg_name_length(std::string_view text) {
  std::size_t at = 0;
  for (;; at += 3) {
    while (at < text.size() && kRegName[static_cast<unsigned char>(text[at])]) ++at;
    if (at + 2 >= text.size() || text[at] != '%') return at;
    if (hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return at;
  }
}

bool is_ipv6_literal(std::string_view bracketed) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const std::string_view address = bracketed.substr(1, bracketed.size() - 2);
  if (address.empty() || address.size() >= text.size() || address.find('\0') != std::string_view::npos)
    return false;
  std::copy(address.begin(), address.end(), text.begin());
  in6_addr parsed;
  return inet_pton(AF_INET6, text.data(), &parsed) == 1;
}

bool is_port(std::string_view port) {
  std::uint32_t number = 0;
  for (const char c : port) {
    if (!is_ascii_digit(c)) return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
    if (number > 65535) return false;
  }
  return true;
}

}  // namespace

RequestTarget parse_request_target(std::string_view target, api::Method method, std::span<char> decoded) {
  if (method == api::Method::Connect) return parse_authority(target);
  if (target.empty()) return {};
  if (target.front() != '/' && target != "*") return parse_absolute(target, decoded);
  RequestTarget parsed;
  if (target == "*") {
    if (method != api::Method::Options) return {};
    parsed.form = TargetForm::Asterisk;
    parsed.path = target;
    return parsed;
  }
  if (!take_path_and_query(target, decoded, parsed)) return {};
  parsed.form = TargetForm::Origin;
  return parsed;
}

std::optional<std::string_view> host_of_authority(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6_literal(authority.substr(0, close + 1)))
      return std::nullopt;
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return authority.substr(0, close + 1);
  }
  const std::size_t length = reg_name_length(authority);
  if (length < authority.size() && (authority[length] != ':' || !is_port(authority.substr(length + 1))))
    return std::nullopt;
  return authority.substr(0, length);
}

}  // namespace holdfast::http
