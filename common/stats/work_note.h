// A request in work, as it stands in shared memory for whoever has to explain a death: written by the process
// that works, read after its end (or as a hint while it lives: text may then be torn).
#pragma once

#include <cstdint>
#include <string_view>

#include "common/stats/word.h"

namespace holdfast::stats {

/// What there is to be noted.
struct Work {
  std::string_view method{};
  std::string_view target{};
  std::uint16_t site = 0;     // index into the segment's table of site names
  std::string_view route{};   // its name
  std::string_view module{};  // the shared object of its handler; empty: a handler of the server itself
  std::string_view request_id{};
};

struct WorkNote {
  Word request_length;  // bytes of `request` in use; 0: none in work
  Word site;            // as in Work
  char request[240];    // method and target, cut
  char route[120];      // cut, NUL-ended
  char module[160];     // cut, NUL-ended
  char request_id[64];  // cut, NUL-ended

  /// What is in work from now on.
  void show(const Work& work);
  /// Likewise; fit for a signal handler.
  void show(const WorkNote& other);
  void show_nothing() { request_length.store(0, std::memory_order_relaxed); }
  void clear();
};

/// What this thread works for, when it is not the event loop's; null: nothing that is known. Owned by whoever
/// sets it, who takes it back.
inline thread_local const WorkNote* work_of_thread = nullptr;

}  // namespace holdfast::stats
