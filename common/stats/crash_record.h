// What a dying process writes down about its own death, in the memory that it shares with the master. Written
// by its signal handler in small steps, each of which is worth having if the next one fails; read by the master
// after its end.
#pragma once

#include <cstring>

#include "common/stats/word.h"
#include "common/stats/work_note.h"

namespace holdfast::stats {

struct CrashRecord {
  Word signal;            // 0: nothing was written
  Word code;              // siginfo's si_code
  Word address;           // that could not be accessed, for SIGSEGV and SIGBUS; of the instruction otherwise
  Word system_call;       // its number, for SIGSYS: one that the sandbox blocks
  Word thread;            // its number; that of the process: the thread of the event loop
  Word backtrace_length;  // bytes of `backtrace` in use
  char backtrace[1500];   // "object+0xoffset object+0xoffset ...", innermost first
  char what[240];         // NUL-ended: of the exception that nobody caught, else empty
  WorkNote work;  // of a thread that worked for a request; of the event loop's the seat's activity tells

  void clear() {
    for (Word* word : {&signal, &code, &address, &system_call, &thread, &backtrace_length})
      word->store(0, std::memory_order_relaxed);
    std::memset(what, 0, sizeof what);
    work.clear();
  }
};

}  // namespace holdfast::stats
