// One lane of the broadcast memory as all processes see it: who owns it, how far it is written, and a ring of
// words that holds records. Known to the files of this folder and to its tests.
//
// Positions count words since the lane was made and never fall; the word of a position is its remainder in the
// ring. What lies from `tail` to `end` is whole records. The owner alone writes all of this but `owner` and
// `bell`:
//
//   writing   moves `tail` past the records that it is going to overwrite, then writes words behind `end`
//             (staged), then moves `end` past them (published)
//   reading   copies a record out, then looks whether `tail` has passed it: if so the copy is worth nothing
//
// So a process may die between any two of these steps: what it leaves from `tail` to `end` is still whole.
//
// Orders. Words of the ring are read and written relaxed. A release fence stands between the store of `tail`
// and the stores of words, an acquire fence between a reader's copy and its second look at `tail`: a reader
// that has copied a single word of a later record therefore sees the `tail` that went before it. `end` is
// stored with release and read with acquire, so the words of what is published are there. `tail` is stored with
// release as well: who sees it sees an `end` that is not behind it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/broadcast/record.h"

namespace holdfast::broadcast {

using Word = std::atomic<std::uint64_t>;
using BellWord = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);
static_assert(BellWord::is_always_lock_free && sizeof(BellWord) == 4, "the kernel waits on it");

inline constexpr std::uint64_t kRingWords = 64 * 1024;  // 512 KiB
inline constexpr std::uint64_t kHeaderWords = 4;

struct LaneHead {
  alignas(64) Word owner;  // an OwnerStamp; 0: free
  alignas(64) Word tail;   // position of the oldest whole record
  Word end;                // position behind the newest published one
  alignas(64) BellWord bell;
};

/// What the words of a ring hold, one after the other; kept apart from the heads, so that looking at all lanes
/// touches few pages.
struct Ring {
  Word words[kRingWords];
  Word& at(std::uint64_t position) { return words[position % kRingWords]; }
};

struct Lane {
  LaneHead& head;
  Ring& ring;
};

/// The owner of a lane: a seat of the statistics plus one, so that no stamp is 0, and an incarnation that no
/// other owner of any lane has had.
struct OwnerStamp {
  static constexpr unsigned kIncarnationBits = 48;
  static constexpr std::uint64_t kIncarnationMask = (std::uint64_t{1} << kIncarnationBits) - 1;

  static constexpr std::uint64_t of(std::uint32_t seat, std::uint64_t incarnation) {
    return (std::uint64_t{seat} + 1) << kIncarnationBits | (incarnation & kIncarnationMask);
  }
  static constexpr std::uint64_t incarnation(std::uint64_t stamp) { return stamp & kIncarnationMask; }
  static constexpr bool is_of_seat(std::uint64_t stamp, std::uint32_t seat) {
    return stamp >> kIncarnationBits == std::uint64_t{seat} + 1;
  }
};

/// What stands before the payload of a record, a word each.
struct RecordHeader {
  std::uint64_t length = 0;  // of the payload, bytes
  std::uint64_t incarnation = 0;
  std::uint64_t sequence = 0;      // of the lane, whoever owns it; the first record has 0
  std::uint64_t milliseconds = 0;  // wall clock, since 1970

  /// What a WallTime can hold, which counts finer.
  static constexpr std::uint64_t kMostMilliseconds =
      static_cast<std::uint64_t>(std::chrono::floor<Milliseconds>(WallTime::max().time_since_epoch()).count());

  static constexpr std::uint64_t words_for(std::uint64_t length) { return kHeaderWords + (length + 7) / 8; }
  std::uint64_t words() const { return words_for(length); }
  /// False for what cannot be a record that ends `room` words from here at the latest: a process that went
  /// astray has written over it.
  bool plausible(std::uint64_t room) const {
    return length <= kMostPayload && incarnation != 0 && milliseconds <= kMostMilliseconds && words() <= room;
  }
};

/// Relaxed, as all words of a ring; what comes out is to be looked at only after validation.
RecordHeader load_header(Ring& ring, std::uint64_t position);
void store_header(Ring& ring, std::uint64_t position, const RecordHeader& header);
/// `words`: at least as long as `payload`, rounded up.
void load_payload(Ring& ring, std::uint64_t position, std::span<std::uint64_t> words);
void store_payload(Ring& ring, std::uint64_t position, std::span<const std::byte> payload);

}  // namespace holdfast::broadcast
