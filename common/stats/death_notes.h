// The last deaths of processes that nobody had asked to leave, for the status: written by the master, read by
// whoever shows it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr std::size_t kDeathsKept = 20;

/// One death in words and numbers, as it is shown.
struct Death {
  std::uint64_t at = 0;  // wall clock, nanoseconds since 1970
  std::uint64_t pid = 0;
  std::uint64_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t reason = 0;    // ExitReason
  std::uint64_t signaled = 0;  // 1: `number` is a signal, 0: an exit code
  std::uint64_t number = 0;
  std::uint64_t connections = 0;  // that it had
  std::string site;               // of the request in work; with the rest empty when there was none
  std::string route;
  std::string request;
  std::string request_id;
  std::string module;
  std::string fault;  // "SEGV_MAPERR at 0x10"; empty where it wrote nothing down
  std::string what;   // the exception that nobody caught
  std::string backtrace;
};

struct DeathNote {
  static constexpr std::size_t kNumbers = 8;
  static constexpr std::size_t kTexts = 8;
  static constexpr std::size_t kTextRoom = 2000;

  Word numbers[kNumbers];
  Word lengths[kTexts];  // of the texts, one behind the other in `text`
  char text[kTextRoom];
};

struct DeathNotes {
  Word sequence;  // odd while a note is being written
  Word count;     // of all that were ever written; the last kDeathsKept are there
  DeathNote notes[kDeathsKept];
};

/// Master only. Texts that are too long together are cut, the last ones first.
void note_death(DeathNotes& notes, const Death& death);
/// Oldest first.
std::vector<Death> read_deaths(const DeathNotes& notes);

}  // namespace holdfast::stats
