// Reading what a writer changes between two steps of a sequence number: nothing is locked, a reader that was
// beside a write reads again.
#pragma once

#include <sched.h>

#include "common/clock.h"
#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr int kBusyReads = 64;
// Longer than a busy machine keeps a writer waiting for its turn. One that died in the middle must not stop
// everybody for ever.
inline constexpr Milliseconds kReadPatience{1000};

/// Lets a writer in the middle of its few words go on: at first beside us, then in our place on this CPU.
class WriterWait {
 public:
  /// False: do not wait for it any longer.
  bool again() {
    if (++tries_ < kBusyReads) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      return true;
    }
    const TimePoint now = Clock::now();
    if (tries_ == kBusyReads) give_up_at_ = now + kReadPatience;
    ::sched_yield();
    return now < give_up_at_;
  }

 private:
  int tries_ = 0;
  TimePoint give_up_at_{};
};

/// Runs `read` until no write happened beside it; the last one stands when the wait was given up.
template <class Read>
void read_consistently(const Word& sequence, Read read) {
  WriterWait wait;
  for (;;) {
    const std::uint64_t before = sequence.load(std::memory_order_acquire);
    if (before % 2 != 0 && wait.again()) continue;
    read();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && sequence.load(std::memory_order_relaxed) == before) return;
    if (!wait.again()) return;
  }
}

}  // namespace holdfast::stats
