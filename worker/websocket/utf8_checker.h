// Is a text that arrives in pieces well-formed UTF-8 (RFC 3629; RFC 6455 section 8.1)? Pieces may be cut inside
// of a character. Keeps four bytes of state, no text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::websocket {

class Utf8Checker {
 public:
  /// Looks at the next piece. False at the first byte after which the text can no longer become valid, and from
  /// then on until reset(): overlong forms, surrogates and what lies above U+10FFFF are found at the byte that
  /// decides it, not at the end of the character.
  bool take(std::span<const std::byte> text);
  /// Everything taken so far is valid and does not end inside of a character.
  bool complete() const { return left_ == 0 && !failed_; }
  /// Begins a new text.
  void reset() { *this = Utf8Checker{}; }

 private:
  bool begin_character(std::uint8_t first);

  std::uint8_t left_ = 0;     // bytes that the current character still needs
  std::uint8_t low_ = 0x80;   // the next one lies within
  std::uint8_t high_ = 0xbf;  // these two
  bool failed_ = false;
};

}  // namespace holdfast::websocket
