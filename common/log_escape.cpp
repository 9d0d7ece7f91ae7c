#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/log.h"
#include "common/utf8.h"

namespace holdfast {

namespace {

constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}
// Bytes that stand for themselves in both forms; all others are looked at one by one.
constexpr std::array<bool, 256> kPlain = make_plain_table();
constexpr char kHex[] = "0123456789abcdef";
constexpr char kUpperHex[] = "0123456789ABCDEF";

std::size_t plain_run(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && kPlain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

/// Length of the well-formed character above ASCII at the front of `text`, or 0. C1 controls steer terminals
/// and do not count.
std::size_t printable_character(std::string_view text) {
  const std::size_t length = utf8_front(text);
  if (length < 2) return 0;
  const bool control = text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
  return control ? 0 : length;
}

void append_hex(std::string& out, unsigned char byte) {
  const char escape[] = {'\\', 'x', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
  out.append(escape, sizeof escape);
}

/// Returns how many bytes of `text` were taken.
std::size_t append_json_character(std::string& out, std::string_view text) {
  const char c = text[0];
  switch (c) {
    case '"':
      out += "\\\"";
      return 1;
    case '\\':
      out += "\\\\";
      return 1;
    case '\n':
      out += "\\n";
      return 1;
    case '\r':
      out += "\\r";
      return 1;
    case '\t':
      out += "\\t";
      return 1;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte == 0x7f) {
    const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    out.append(escape, sizeof escape);
    return 1;
  }
  const std::size_t length = utf8_front(text);
  if (length == 0) {
    out += "\xef\xbf\xbd";
    return 1;
  }
  out.append(text, 0, length);
  return length;
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t run = plain_run(text);
    out.append(text, 0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const std::size_t character = printable_character(text);
    if (character == 0)
      append_hex(out, static_cast<unsigned char>(text[0]));
    else
      out.append(text, 0, character);
    text.remove_prefix(character == 0 ? 1 : character);
  }
}

void append_json_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t run = plain_run(text);
    out.append(text, 0, run);
    text.remove_prefix(run);
    if (!text.empty()) text.remove_prefix(append_json_character(out, text));
  }
}

}  // namespace holdfast
