#include "common/limits/shared_limits.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "common/memory_file.h"

namespace holdfast::limits {
namespace {

constexpr std::size_t kPage = 4096;
// A limit of a request every three seconds is filled by thirty times as many requests as one of every hundred.
constexpr std::array<std::uint64_t, 3> kPaces{100'000, 3'000'000, 100'000'000};  // microseconds

struct alignas(kPage) Region {
  Bucket buckets[kRegionBuckets];
};
static_assert(sizeof(SeatCounts) % kPage == 0 && kRegions == 2 * (kPaces.size() + 1));

}  // namespace

struct SharedLayout {
  Region regions[kRegions];
  SeatCounts seats[stats::kMaxSeats];
};
static_assert(std::is_standard_layout_v<SharedLayout> && std::is_trivially_destructible_v<SharedLayout>);

Result<SharedLimits> SharedLimits::create() {
  Result<HashSecret> secret = HashSecret::random();
  if (!secret) return secret.error();
  const Result<Fd> fd = make_shared_memory("holdfast-limits", sizeof(SharedLayout), "the limits of clients");
  if (!fd) return fd.error();
  // Every process that needs it is a fork of this one: the descriptor is not kept.
  void* const at =
      ::mmap(nullptr, sizeof(SharedLayout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd->get(), 0);
  if (at == MAP_FAILED) return system_error(errno, "map the memory of limits");
  return SharedLimits(static_cast<SharedLayout*>(at), *secret, Clock::now());
}

SharedLimits::SharedLimits(SharedLimits&& other) noexcept
    : layout_(std::exchange(other.layout_, nullptr)), secret_(other.secret_), made_(other.made_) {}

SharedLimits& SharedLimits::operator=(SharedLimits&& other) noexcept {
  std::swap(layout_, other.layout_);
  std::swap(secret_, other.secret_);
  std::swap(made_, other.made_);
  return *this;
}

SharedLimits::~SharedLimits() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(SharedLayout));
}

std::span<Bucket> SharedLimits::rates(const Pace& pace, bool made_up) const {
  std::size_t region = made_up ? kRegions / 2 : 0;
  for (const std::uint64_t bound : kPaces)
    if (pace.interval > bound) ++region;
  return layout_->regions[region].buckets;
}

std::uint64_t SharedLimits::microseconds(TimePoint now) const {
  if (now <= made_) return 0;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - made_).count());
}

std::span<SeatCounts> SharedLimits::seats() const {
  return layout_->seats;
}

void SharedLimits::clear_seat(std::uint32_t seat) {
  // Gives the pages back, too; those that stay untouched cost nothing then.
  SeatCounts& counts = layout_->seats[seat];
  if (::madvise(&counts, sizeof counts, MADV_REMOVE) == 0) return;
  for (Bucket& bucket : counts.buckets)
    for (Word& word : bucket.words) word.store(0, std::memory_order_relaxed);
}

}  // namespace holdfast::limits
