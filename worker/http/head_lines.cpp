#include "worker/http/head_lines.h"

#include <algorithm>

namespace holdfast::http {

HeadEnd find_head_end(std::string_view head, std::size_t& scanned, HeadLines& lines) {
  const char* const begin = head.data();
  const char* const end = begin + head.size();
  const char* line = begin + scanned;
  HeadEnd outcome = HeadEnd::Missing;
  visit_controls(line, end, [&](const char* at) {
    if (*at == '\n') {
      if (at + 1 == line) return false;  // taken with its CR
      if (at == begin || at[-1] != '\r') return outcome = HeadEnd::BareLf, true;
      --at;  // the CR was the last byte before this call
    } else if (*at != '\r' || end - at == 1 || at[1] != '\n') {
      lines.clean = false;
      return false;
    }
    const bool empty = at != begin && at[-1] == '\n';
    lines.add({line, static_cast<std::size_t>(std::max(at, line) - line)});
    line = at + 2;
    if (empty) outcome = HeadEnd::Found;
    return empty;
  });
  scanned = outcome == HeadEnd::Missing ? head.size() : static_cast<std::size_t>(line - begin);
  return outcome;
}

}  // namespace holdfast::http
