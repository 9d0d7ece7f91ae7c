#include "common/limits/shared_limits.h"

#include <sys/mman.h>

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::limits {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kFormat = 1;  // raised whenever the layout or the meaning of a word changes
constexpr std::string_view kPurpose = "the limits of clients";
// A limit of a request every three seconds is filled by thirty times as many requests as one of every hundred.
constexpr std::array<std::uint64_t, 3> kPaces{100'000, 3'000'000, 100'000'000};  // microseconds

struct alignas(kPage) Region {
  Bucket buckets[kRegionBuckets];
};
static_assert(sizeof(SeatCounts) % kPage == 0 && kRegions == 2 * (kPaces.size() + 1));

}  // namespace

struct SharedLayout {
  alignas(kPage) std::uint64_t format;  // this and what follows are written once, before the first fork
  HashSecret secret;
  TimePoint made;
  Region regions[kRegions];
  SeatCounts seats[stats::kMaxSeats];
};
static_assert(std::is_standard_layout_v<SharedLayout> && std::is_trivially_destructible_v<SharedLayout>);

Result<SharedLimits> SharedLimits::create() {
  const Result<HashSecret> secret = HashSecret::random();
  if (!secret) return secret.error();
  Result<SharedMemory> memory = SharedMemory::create("holdfast-limits", sizeof(SharedLayout), kPurpose);
  if (!memory) return memory.error();
  SharedLimits limits(std::move(*memory));
  limits.layout().secret = *secret;
  limits.layout().made = Clock::now();
  limits.layout().format = kFormat;
  return limits;
}

Result<SharedLimits> SharedLimits::attach(Fd file) {
  Result<SharedMemory> memory = SharedMemory::attach(std::move(file), sizeof(SharedLayout), kPurpose);
  if (!memory) return memory.error();
  SharedLimits limits(std::move(*memory));
  if (limits.layout().format != kFormat) return of_another_version(kPurpose);
  return limits;
}

const HashSecret& SharedLimits::secret() const {
  return layout().secret;
}

std::span<Bucket> SharedLimits::rates(const Pace& pace, bool made_up) const {
  std::size_t region = made_up ? kRegions / 2 : 0;
  for (const std::uint64_t bound : kPaces)
    if (pace.interval > bound) ++region;
  return layout().regions[region].buckets;
}

std::uint64_t SharedLimits::microseconds(TimePoint now) const {
  const TimePoint made = layout().made;
  if (now <= made) return 0;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - made).count());
}

std::span<SeatCounts> SharedLimits::seats() const {
  return layout().seats;
}

void SharedLimits::clear_seat(std::uint32_t seat) {
  // Gives the pages back, too; those that stay untouched cost nothing then.
  SeatCounts& counts = layout().seats[seat];
  if (::madvise(&counts, sizeof counts, MADV_REMOVE) == 0) return;
  for (Bucket& bucket : counts.buckets)
    for (Word& word : bucket.words) word.store(0, std::memory_order_relaxed);
}

}  // namespace holdfast::limits
