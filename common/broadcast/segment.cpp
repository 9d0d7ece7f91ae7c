#include "common/broadcast/segment.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "common/broadcast/doorbell.h"
#include "common/memory_file.h"

namespace holdfast::broadcast {

struct Layout {
  alignas(64) Word lanes_used;
  alignas(64) Word incarnations;
  std::uint64_t host_id;  // written once, before the first fork
  LaneHead heads[kLanes];
  alignas(4096) Ring rings[kLanes];
};
static_assert(std::is_standard_layout_v<Layout> && std::is_trivially_destructible_v<Layout>);

namespace {

Result<std::uint64_t> random_host_id() {
  std::uint64_t id = 0;
  while (id == 0)
    if (::getrandom(&id, sizeof id, 0) != sizeof id)
      return system_error(errno, "get random bits that name this host to others");
  return id;
}

}  // namespace

Result<Segment> Segment::create() {
  const Result<std::uint64_t> host_id = random_host_id();
  if (!host_id) return host_id.error();
  const Result<Fd> fd = make_shared_memory("holdfast-broadcast", sizeof(Layout), "messages between workers");
  if (!fd) return fd.error();
  // Every process that needs it is a fork of this one: the descriptor is not kept.
  void* const at =
      ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd->get(), 0);
  if (at == MAP_FAILED) return system_error(errno, "map the memory for messages between workers");
  // What the clients of all workers say is not for the core file of one.
  (void)::madvise(at, sizeof(Layout), MADV_DONTDUMP);
  auto* const layout = static_cast<Layout*>(at);
  layout->host_id = *host_id;
  return Segment(layout);
}

Segment::Segment(Segment&& other) noexcept : layout_(std::exchange(other.layout_, nullptr)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(layout_, other.layout_);
  return *this;
}

Segment::~Segment() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
}

std::uint64_t Segment::host_id() const {
  return layout_->host_id;
}

std::uint32_t Segment::lanes_used() const {
  // Bounded for the case that a process gone astray has written there.
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(layout_->lanes_used.load(std::memory_order_acquire), kLanes));
}

Lane Segment::lane(std::uint32_t index) const {
  return {layout_->heads[index], layout_->rings[index]};
}

std::optional<Segment::Claim> Segment::claim_lane(std::uint32_t seat) const {
  const std::uint64_t incarnation = layout_->incarnations.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t stamp = OwnerStamp::of(seat, incarnation);
  for (std::uint32_t index = 0; index < kLanes; ++index) {
    Word& owner = layout_->heads[index].owner;
    if (owner.load(std::memory_order_relaxed) != 0) continue;
    // First raised, then claimed: who dies in between leaves a lane that is looked at and empty.
    std::uint64_t used = layout_->lanes_used.load(std::memory_order_relaxed);
    while (used <= index && !layout_->lanes_used.compare_exchange_weak(used, index + 1)) {
    }
    std::uint64_t free = 0;
    // Acquires all that the owner before it has written.
    if (owner.compare_exchange_strong(free, stamp, std::memory_order_acq_rel)) return Claim{index, stamp};
  }
  return std::nullopt;
}

void Segment::give_back(const Claim& claim) const {
  std::uint64_t stamp = claim.stamp;
  layout_->heads[claim.lane].owner.compare_exchange_strong(stamp, 0, std::memory_order_release,
                                                           std::memory_order_relaxed);
}

void Segment::free_lanes_of(std::uint32_t seat) const {
  const std::uint32_t used = lanes_used();
  for (std::uint32_t index = 0; index < used; ++index) {
    const std::uint64_t stamp = layout_->heads[index].owner.load(std::memory_order_relaxed);
    if (OwnerStamp::is_of_seat(stamp, seat)) give_back({index, stamp});
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (std::uint32_t index = 0; index < used; ++index) Doorbell(layout_->heads[index].bell).ring_for_the_dead();
}

void Segment::wake_others(std::uint32_t own) const {
  // Between the store of what is new and the look at who sleeps: see doorbell.h.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint32_t used = lanes_used();
  for (std::uint32_t index = 0; index < used; ++index)
    if (index != own) Doorbell(layout_->heads[index].bell).ring_if_asleep();
}

}  // namespace holdfast::broadcast
