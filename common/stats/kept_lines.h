// The lines of the access log that a worker has made and not yet written, in memory that outlives it: whatever
// ends the worker, the master writes what is left. Written by the worker alone; read by the master once the
// worker has ended.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/stats/word.h"

namespace holdfast::stats {

struct KeptLines {
  static constexpr std::size_t kRoom = 65536;
  /// Of a descriptor that is no file.
  static constexpr std::uint64_t kNoPlace = ~std::uint64_t{0};

  alignas(64) Word range;  // of `text` that is still to be written: where it begins << 32 | where it ends
  Word writing;  // 0: no write is under way; else where the descriptor stood before it, plus 1, or kNoPlace
  Word opening;  // how many descriptors the worker has had for the log, the first one not counted
  char text[kRoom];

  /// Whole lines; the first one may have been begun. Safe to ask whatever stands in the words.
  std::string_view waiting() const {
    const std::uint64_t packed = range.load(std::memory_order_acquire);
    const std::uint64_t end = std::min<std::uint64_t>(packed & 0xffffffff, kRoom);
    const std::uint64_t begin = std::min(packed >> 32, end);
    return {text + begin, end - begin};
  }
  std::size_t room() const { return kRoom - (range.load(std::memory_order_relaxed) & 0xffffffff); }

  // -- the worker only
  /// Takes a line that there is room() for.
  void append(std::string_view line) {
    const std::uint64_t packed = range.load(std::memory_order_relaxed);
    std::memcpy(text + (packed & 0xffffffff), line.data(), line.size());
    range.store(packed + line.size(), std::memory_order_release);
  }
  /// So many bytes of waiting() have been written, or are given up.
  void drop_front(std::size_t bytes) {
    const std::uint64_t packed = range.load(std::memory_order_relaxed);
    const std::uint64_t begin = (packed >> 32) + bytes;
    const std::uint64_t end = packed & 0xffffffff;
    range.store(begin >= end ? 0 : begin << 32 | end, std::memory_order_release);
  }
  /// Keeps the first `bytes` of waiting() only.
  void keep_front(std::size_t bytes) {
    const std::uint64_t begin = range.load(std::memory_order_relaxed) >> 32;
    range.store(bytes == 0 ? 0 : begin << 32 | (begin + bytes), std::memory_order_release);
  }
  /// `place`: where the descriptor stands in its file, or kNoPlace.
  void begin_write(std::uint64_t place) {
    writing.store(place == kNoPlace ? kNoPlace : place + 1, std::memory_order_release);
  }
  void end_write() { writing.store(0, std::memory_order_release); }

  // -- the master only, for the next worker
  void clear() {
    for (Word* word : {&range, &writing, &opening}) word->store(0, std::memory_order_relaxed);
  }
};

}  // namespace holdfast::stats
