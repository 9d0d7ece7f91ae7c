// What is to go wrong in a server: shared between a test, which writes, and the library preloaded into the
// server, which obeys. All zero: nothing does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::support {

enum class FaultyCall : std::uint8_t { Fork, MemoryFile, Truncate, SocketPair, PidDescriptor, kCount };

struct FaultTable {
  struct Call {
    std::atomic<int> code;      // the errno that it fails with; 0: it does not
    std::atomic<int> spared;    // so many calls go well before that
    std::atomic<int> calls;     // so far, all of them
    std::atomic<int> failures;  // so far
  };
  Call calls[static_cast<std::size_t>(FaultyCall::kCount)];
  std::atomic<std::int64_t> wall_clock_ahead;  // seconds
};

}  // namespace holdfast::support
