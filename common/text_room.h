// Memory of texts that are kept for later use.
#pragma once

#include <string>

namespace holdfast {

/// Empties `text` and frees its memory. An assignment would not: of a short text only the bytes are taken, into
/// the room that is there.
inline void free_room(std::string& text) {
  std::string().swap(text);
}

}  // namespace holdfast
