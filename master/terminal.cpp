#include "master/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace holdfast::master {
namespace {

constexpr char kEscape = '\033';
constexpr std::string_view kPlain = "\033[0m";

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

/// The first `columns` characters of a line; sequences that choose colours take no room.
std::string cut(std::string_view line, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  bool is_coloured = false;
  for (std::size_t at = 0; at < line.size() && used < columns; ++at) {
    if (line[at] != kEscape) {
      out += line[at];
      ++used;
      continue;
    }
    const std::size_t end = std::min(line.find('m', at), line.size() - 1);
    const std::string_view sequence = line.substr(at, end - at + 1);
    is_coloured = sequence != kPlain;
    out += sequence;
    at = end;
  }
  return is_coloured ? out + std::string(kPlain) : out;
}

}  // namespace

Terminal Terminal::of(int descriptor) {
  Terminal terminal;
  terminal.is_one = ::isatty(descriptor) != 0;
  if (!terminal.is_one) return terminal;
  const std::string_view kind = variable("TERM");
  terminal.can_move = !kind.empty() && kind != "dumb";
  terminal.has_colours = terminal.can_move && variable("NO_COLOR").empty();
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
    terminal.columns = size.ws_col;
    terminal.lines = size.ws_row;
  }
  return terminal;
}

std::string fitted(std::string_view text, std::size_t columns, std::size_t lines) {
  const auto count =
      static_cast<std::size_t>(std::ranges::count(text, '\n')) + (text.empty() || text.ends_with('\n') ? 0 : 1);
  const bool has_room = lines == 0 || count <= lines;
  const std::size_t shown = has_room ? count : lines - 1;
  std::string out;
  for (std::size_t line = 0; line < shown; ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += columns == 0 ? std::string(text.substr(0, end)) : cut(text.substr(0, end), columns);
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!has_room)
    out += cut("... " + std::to_string(count - shown) + " lines more", columns == 0 ? 80 : columns) + '\n';
  return out;
}

}  // namespace holdfast::master
