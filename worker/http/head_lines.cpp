#include "worker/http/head_lines.h"

namespace holdfast::http {

HeadEnd find_head_end(std::string_view head, std::size_t& scanned, HeadLines& lines) {
  const char* const begin = head.data();
  const char* const end = begin + head.size();
  const char* line = begin + scanned;
  for (const char* at = line; (at = find_control(at, end)) != end; ++at) {
    if (*at == '\r' && end - at > 1 && at[1] == '\n') ++at;
    if (*at != '\n') {
      lines.clean = false;
      continue;
    }
    if (at == begin || at[-1] != '\r') return HeadEnd::BareLf;
    lines.add({line, static_cast<std::size_t>(at - 1 - line)});
    line = at + 1;
    scanned = static_cast<std::size_t>(line - begin);
    if (at - begin >= 3 && at[-2] == '\n') return HeadEnd::Found;
  }
  scanned = head.size();
  return HeadEnd::Missing;
}

}  // namespace holdfast::http
