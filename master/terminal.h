// What a person looks at: whether a stream is a terminal, how large it is, and what may be sent to it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::master {

struct Terminal {
  bool is_one = false;    // the stream is a terminal
  bool can_move = false;  // its cursor can be steered
  bool has_colours = false;
  std::size_t columns = 0;  // 0: not known
  std::size_t lines = 0;

  /// Of a descriptor, as it is now. NO_COLOR, when it holds something, and TERM=dumb are heeded.
  static Terminal of(int descriptor);
};

namespace ansi {
inline constexpr std::string_view kHome = "\033[H";
inline constexpr std::string_view kClear = "\033[2J";
inline constexpr std::string_view kClearLine = "\033[K";   // from the cursor to its end
inline constexpr std::string_view kClearBelow = "\033[J";  // likewise, and all lines below
inline constexpr std::string_view kHideCursor = "\033[?25l";
inline constexpr std::string_view kShowCursor = "\033[?25h";
}  // namespace ansi

/// `text` in so many columns and lines (0: any number): what is too long is cut, colours are kept whole, and a
/// last line tells of lines that have no room. Every line is ended by a newline.
std::string fitted(std::string_view text, std::size_t columns, std::size_t lines);

}  // namespace holdfast::master
