#include "worker/http/percent_encoding.h"

#include <array>

namespace holdfast::http {
namespace {

constexpr std::array<bool, 256> make_table(std::string_view also) {
  std::array<bool, 256> table{};
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("-._~")) table[static_cast<unsigned char>(c)] = true;
  for (const char c : also) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kSegment = make_table("");
constexpr auto kPath = make_table("/:@!$&'()*+,;=");

void append(std::string& out, std::string_view text, const std::array<bool, 256>& plain) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain[byte])
      out += c;
    else
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
}

}  // namespace

void append_encoded_path(std::string& out, std::string_view path) {
  while (path.starts_with("//")) path.remove_prefix(1);
  append(out, path, kPath);
}

void append_encoded_segment(std::string& out, std::string_view segment) {
  append(out, segment, kSegment);
}

}  // namespace holdfast::http
