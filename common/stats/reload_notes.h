// The outcomes of the last reloads in the master's words: written by the master, read by whoever shows them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr std::size_t kReloadsKept = 10;

/// One outcome.
struct ReloadView {
  std::uint64_t at = 0;  // wall clock, nanoseconds since 1970; 0: never reloaded
  bool ok = false;
  std::string text;  // empty, or the reasons of a refusal, one a line
};

struct ReloadNote {
  static constexpr std::size_t kTextRoom = 4000;

  Word at;
  Word ok;
  Word length;
  char text[kTextRoom];
};

struct ReloadNotes {
  Word sequence;  // odd while a note is being written
  Word count;     // of all that were ever written; the last kReloadsKept are there
  ReloadNote notes[kReloadsKept];
};

/// Master only. A text without room is cut.
void note_reload(ReloadNotes& notes, std::uint64_t at, bool ok, std::string_view text);
/// Oldest first.
std::vector<ReloadView> read_reloads(const ReloadNotes& notes);

}  // namespace holdfast::stats
