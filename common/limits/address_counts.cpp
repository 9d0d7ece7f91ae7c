#include "common/limits/address_counts.h"

namespace holdfast::limits {
namespace {

constexpr unsigned kCountBits = 24;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
constexpr int kTries = 8;

bool is_of(std::uint64_t word, std::uint64_t hash) {
  return word != 0 && (word ^ hash) >> kCountBits == 0;
}

/// The hash's word; where there is none the first that is free; null when there is neither.
Word* find(SeatCounts& seat, std::uint64_t hash) {
  const SlotSet places(seat.buckets, hash);
  Word* free = nullptr;
  for (std::size_t i = 0; i < SlotSet::kSize; ++i) {
    const std::uint64_t word = places[i].load(std::memory_order_relaxed);
    if (is_of(word, hash)) return &places[i];
    if (word == 0 && free == nullptr) free = &places[i];
  }
  return free;
}

}  // namespace

bool AddressCounts::take(std::uint64_t hash, std::uint64_t limit) {
  for (int tries = 1;; ++tries) {
    Word* const own = find(seats_[seat_], hash);
    if (own == nullptr) return true;
    const std::uint64_t count = own->load(std::memory_order_relaxed) & kCountMask;
    // First count, then look: of two workers that do so at the same time at least one sees the other.
    own->store((hash & ~kCountMask) | (count + 1), std::memory_order_seq_cst);
    if (sum(hash) <= limit) return true;
    give_back(hash);
    // The others may have counted only to take it back, as this one just did: then there is room after all.
    if (tries == kTries || sum(hash) >= limit) return false;
  }
}

void AddressCounts::give_back(std::uint64_t hash) {
  Word* const own = find(seats_[seat_], hash);
  if (own == nullptr) return;
  const std::uint64_t word = own->load(std::memory_order_relaxed);
  if (word == 0) return;  // it was not counted for lack of room
  own->store((word & kCountMask) > 1 ? word - 1 : 0, std::memory_order_seq_cst);
}

std::uint64_t AddressCounts::sum(std::uint64_t hash) const {
  std::uint64_t total = 0;
  const std::uint32_t end = segment_.seats_used();
  for (std::uint32_t seat = stats::kMasterSeat + 1; seat < end; ++seat) {
    if (!in_use(seat)) continue;
    const SlotSet places(seats_[seat].buckets, hash);
    for (std::size_t i = 0; i < SlotSet::kSize; ++i) {
      const std::uint64_t word = places[i].load(std::memory_order_seq_cst);
      if (is_of(word, hash)) total += word & kCountMask;
    }
  }
  return total;
}

// Free seats are empty, and looking into pages that nobody has used would make them.
bool AddressCounts::in_use(std::uint32_t seat) const {
  const stats::SeatState& state = segment_.seat_state(seat);
  return state.use.load(std::memory_order_acquire) != static_cast<std::uint64_t>(stats::SeatUse::Free) &&
         state.slot.load(std::memory_order_relaxed) != stats::kAdminSlot;
}

}  // namespace holdfast::limits
