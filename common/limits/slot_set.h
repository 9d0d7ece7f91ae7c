// Where a key may stand in a table of words: two buckets of eight words, each one cache line, chosen by a keyed
// hash. With two to choose from, newcomers go where there is room, and buckets fill so evenly that one is full
// only when nearly the whole table is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::limits {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

inline constexpr std::size_t kBucketWords = 8;
struct alignas(64) Bucket {
  Word words[kBucketWords];
};

/// The sixteen places of one key, always the same ones in the same order: by turns of one bucket and the other,
/// so that taking the first free one evens them out.
class SlotSet {
 public:
  static constexpr std::size_t kSize = 2 * kBucketWords;
  /// `buckets`: a power of two, at most 65,536 of them; of one alone, each place comes twice. Uses the low half
  /// of the hash: the high one is for tags.
  SlotSet(std::span<Bucket> buckets, std::uint64_t hash)
      : first_(buckets[hash & (buckets.size() - 1)]),
        second_(buckets[second_index(buckets.size() - 1, hash)]) {}

  Word& operator[](std::size_t i) const { return (i % 2 == 0 ? first_ : second_).words[i / 2]; }

 private:
  static std::size_t second_index(std::size_t mask, std::uint64_t hash) {
    const std::size_t index = (hash >> 16) & mask;
    return index == (hash & mask) ? (index ^ 1) & mask : index;
  }

  Bucket& first_;
  Bucket& second_;
};

}  // namespace holdfast::limits
