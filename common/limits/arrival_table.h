// Rate limits that all workers share, by the generic cell rate algorithm (ITU-T I.371): a key has one number,
// its theoretical arrival time, at which all that it was allowed would be used up at an even pace. A request
// moves it on by one interval, and is refused when that would bring it further ahead of now than the burst
// allows. The table is a span of shared words; who owns them is another's matter.
//
// A word holds a tag (16 bits of the key's hash) and the time (48 bits: microseconds since the table was made,
// 8.9 years). This is the one place where several processes write a word: each change is a single compare and
// exchange from one valid word to the next, so that nothing is lost between two workers, no lock is held by one
// that dies, and a refusal writes nothing.
//
// A key's sixteen places are two buckets. A newcomer takes the one whose time is furthest in the past; mostly
// that is one whose owner has his whole allowance back, so that nobody loses by it. A place whose time is still
// to come is taken together with its time: the newcomer goes on where the other one was. Therefore
// - the time in a place only rises. Two workers that meet a new key at the same moment both want the same
//   place, one exchange fails, and the key never stands in two places;
// - whoever has many addresses gains nothing by crowding: two keys that push each other out share one
//   allowance. The table as a whole never allows more than the allowances of as many keys as it has places;
// - a stranger is held to others' doings only when all of his sixteen places are used up by others. The hash is
//   secret, so they cannot be aimed at: whoever uses up and keeps used up the whole burst of half as many
//   addresses as a region of the table has places (131,072) meets one stranger in fifty thousand, with 80 % one
//   in twenty.
// A tag that is equal by chance makes two keys share an allowance: at most sixteen in 65,536 strangers, in a
// full table. Regions keep slow limits, which an attacker fills with few requests, from fast ones, and keys
// that clients make up (header values) from addresses.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "common/limits/slot_set.h"

namespace holdfast::limits {

/// A limit in microseconds.
struct Pace {
  std::uint64_t interval = 0;   // between two requests at the full rate
  std::uint64_t tolerance = 0;  // burst times interval: how far a key's time may be ahead of now
};

struct Decision {
  bool admitted = false;
  std::uint64_t time = 0;  // the key's new time when admitted
  std::uint64_t wait = 0;  // microseconds until a request would be admitted, when refused
};

/// The algorithm itself: a key whose time is `time` asks at `now`.
constexpr Decision decide(std::uint64_t time, std::uint64_t now, const Pace& pace) {
  const std::uint64_t next = std::max(time, now) + pace.interval;
  const std::uint64_t latest = now + pace.tolerance;
  if (next > latest) return {false, 0, next - latest};
  return {true, next, 0};
}

inline constexpr unsigned kTimeBits = 48;
inline constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

/// The key's word among its places, or the one that a newcomer would take, as it was read.
struct Place {
  Word* word = nullptr;
  std::uint64_t read = 0;
  bool known = false;
};

inline Place find_place(const SlotSet& places, std::uint64_t hash) {
  Place oldest;
  for (std::size_t i = 0; i < SlotSet::kSize; ++i) {
    const std::uint64_t read = places[i].load(std::memory_order_relaxed);
    const std::uint64_t time = read & kTimeMask;
    if (time != 0 && (read ^ hash) >> kTimeBits == 0) return {&places[i], read, true};
    // Of equal times the first: every worker must want the same one.
    if (oldest.word == nullptr || time < (oldest.read & kTimeMask)) oldest = {&places[i], read, false};
  }
  return oldest;
}

/// Asks for one request of the key with this hash and takes it when it is allowed. `now`: microseconds since
/// the table was made.
inline Decision take(std::span<Bucket> buckets, std::uint64_t hash, std::uint64_t now, const Pace& pace) {
  const SlotSet places(buckets, hash);
  // An exchange fails only where another one has just been allowed something, which cannot go on for ever.
  for (;;) {
    const Place place = find_place(places, hash);
    std::uint64_t time = place.read & kTimeMask;
    // What another limit has left may be further ahead than this one ever is.
    if (!place.known) time = std::min(time, now + pace.tolerance);
    Decision decision = decide(time, now, pace);
    if (!decision.admitted) return decision;
    // After 8.9 years without a restart nothing is limited, rather than everything.
    if (decision.time > kTimeMask) return decision;
    std::uint64_t expected = place.read;
    const std::uint64_t next = (hash & ~kTimeMask) | decision.time;
    if (place.word->compare_exchange_strong(expected, next, std::memory_order_relaxed)) return decision;
  }
}

}  // namespace holdfast::limits
