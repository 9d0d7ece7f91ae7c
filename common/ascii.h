// ASCII as HTTP uses it: case folding, token characters, decimal numbers. No locale, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Equal but for the case of ASCII letters.
constexpr bool ascii_iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

/// tchar of RFC 9110 section 5.6.2.
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kTokenChars = make_token_table();
constexpr bool is_token_char(char c) {
  return kTokenChars[static_cast<unsigned char>(c)];
}
constexpr bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text)
    if (!is_token_char(c)) return false;
  return true;
}

/// No space, no control, no DEL; bytes above are let through. Eight at a time: it is asked of each target.
inline bool is_visible(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const auto bad = [](std::uint64_t word) {
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    return (((word - kOnes * 0x21) & ~word) | ((del - kOnes) & ~del)) & (kOnes * 0x80);
  };
  std::uint64_t word = 0;
  if (text.size() < sizeof word) {
    for (const char c : text)
      if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
    return true;
  }
  const std::size_t last = text.size() - sizeof word;
  std::uint64_t found = 0;
  for (std::size_t at = 0; at < last; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    found |= bad(word);
  }
  std::memcpy(&word, text.data() + last, sizeof word);  // what was seen already, for a part
  return (found | bad(word)) == 0;
}

/// Value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Digits only, at least one, no sign, no overflow.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_ascii_digit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

/// Without spaces and tabs at both ends (OWS of RFC 9110 section 5.6.3).
constexpr std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `each(element)` for every non-empty element of a comma-separated list (RFC 9110 section 5.6.1),
/// trimmed. Does not look into quoted strings: for token lists only.
template <class Each>
constexpr void for_each_list_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim_ows(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

inline std::string ascii_lowered(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = ascii_lower(c);
  return lowered;
}

}  // namespace holdfast
