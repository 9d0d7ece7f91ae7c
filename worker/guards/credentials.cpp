#include "worker/guards/credentials.h"

#include <algorithm>

#include "common/ascii.h"

namespace holdfast::guards {
namespace {

constexpr std::size_t kLongest = 1024;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_ascii_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// RFC 4648 section 4; padding may be left out, bits behind the last byte must be 0.
std::optional<std::string> decode_base64(std::string_view text) {
  for (int padding = 0; padding < 2 && text.size() % 4 != 1 && text.ends_with('='); ++padding)
    text.remove_suffix(1);
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
    bits &= (1U << count) - 1;
  }
  if (count >= 6 || bits != 0) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Credentials> parse_basic(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic";
  if (authorization.size() > kLongest || authorization.size() <= kScheme.size()) return std::nullopt;
  if (!ascii_iequals(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  std::string_view token = authorization.substr(kScheme.size());
  if (token.front() != ' ') return std::nullopt;
  while (token.starts_with(' ')) token.remove_prefix(1);
  const std::optional<std::string> pair = decode_base64(token);
  if (!pair) return std::nullopt;
  const std::size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  Credentials credentials{pair->substr(0, colon), pair->substr(colon + 1)};
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(credentials.user.begin(), credentials.user.end(), control)) return std::nullopt;
  return credentials;
}

}  // namespace holdfast::guards
