#include "worker/websocket/utf8_checker.h"

#include "worker/websocket/ascii_run.h"

namespace holdfast::websocket {

// The table of RFC 3629 section 4: only the byte behind the first one has narrower bounds.
bool Utf8Checker::begin_character(std::uint8_t first) {
  if (first >= 0xc2 && first <= 0xdf) {
    left_ = 1;
  } else if (first >= 0xe0 && first <= 0xef) {
    left_ = 2;
    if (first == 0xe0) low_ = 0xa0;
    if (first == 0xed) high_ = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    left_ = 3;
    if (first == 0xf0) low_ = 0x90;
    if (first == 0xf4) high_ = 0x8f;
  } else {
    return false;
  }
  return true;
}

bool Utf8Checker::take(std::span<const std::byte> text) {
  if (failed_) return false;
  while (!text.empty()) {
    const auto byte = static_cast<std::uint8_t>(text.front());
    if (left_ == 0 && byte < 0x80) {
      text = text.subspan(ascii_run(text));
      continue;
    }
    const bool valid = left_ == 0 ? begin_character(byte) : byte >= low_ && byte <= high_;
    if (!valid) {
      failed_ = true;
      return false;
    }
    if (byte < 0xc0) {  // not the first of its character
      --left_;
      low_ = 0x80;
      high_ = 0xbf;
    }
    text = text.subspan(1);
  }
  return true;
}

}  // namespace holdfast::websocket
