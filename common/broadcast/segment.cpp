#include "common/broadcast/segment.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "common/broadcast/doorbell.h"

namespace holdfast::broadcast {

struct Layout {
  alignas(64) Word lanes_used;
  alignas(64) Word incarnations;
  std::uint64_t format;  // this and host_id are written once, before the first fork
  std::uint64_t host_id;
  LaneHead heads[kLanes];
  alignas(4096) Ring rings[kLanes];
};
static_assert(std::is_standard_layout_v<Layout> && std::is_trivially_destructible_v<Layout>);

namespace {

constexpr std::uint64_t kFormat = 1;  // raised whenever the layout or the meaning of a word changes
constexpr std::string_view kPurpose = "messages between workers";

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
  Result<SharedMemory> memory = SharedMemory::create("holdfast-broadcast", sizeof(Layout), kPurpose);
  if (!memory) return memory.error();
  // What the clients of all workers say is not for the core file of one.
  memory->keep_out_of_core_files();
  Segment segment(std::move(*memory));
  segment.layout().host_id = *host_id;
  segment.layout().format = kFormat;
  return segment;
}

Result<Segment> Segment::attach(Fd file) {
  Result<SharedMemory> memory = SharedMemory::attach(std::move(file), sizeof(Layout), kPurpose);
  if (!memory) return memory.error();
  memory->keep_out_of_core_files();
  Segment segment(std::move(*memory));
  if (segment.layout().format != kFormat) return of_another_version(kPurpose);
  return segment;
}

std::uint64_t Segment::host_id() const {
  return layout().host_id;
}

std::uint32_t Segment::lanes_used() const {
  // Bounded for the case that a process gone astray has written there.
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(layout().lanes_used.load(std::memory_order_acquire), kLanes));
}

Lane Segment::lane(std::uint32_t index) const {
  return {layout().heads[index], layout().rings[index]};
}

std::optional<Segment::Claim> Segment::claim_lane(std::uint32_t seat) const {
  const std::uint64_t incarnation = layout().incarnations.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t stamp = OwnerStamp::of(seat, incarnation);
  for (std::uint32_t index = 0; index < kLanes; ++index) {
    Word& owner = layout().heads[index].owner;
    if (owner.load(std::memory_order_relaxed) != 0) continue;
    // First raised, then claimed: who dies in between leaves a lane that is looked at and empty.
    std::uint64_t used = layout().lanes_used.load(std::memory_order_relaxed);
    while (used <= index && !layout().lanes_used.compare_exchange_weak(used, index + 1)) {
    }
    std::uint64_t free = 0;
    // Acquires all that the owner before it has written.
    if (owner.compare_exchange_strong(free, stamp, std::memory_order_acq_rel)) return Claim{index, stamp};
  }
  return std::nullopt;
}

void Segment::give_back(const Claim& claim) const {
  std::uint64_t stamp = claim.stamp;
  layout().heads[claim.lane].owner.compare_exchange_strong(stamp, 0, std::memory_order_release,
                                                           std::memory_order_relaxed);
}

void Segment::free_lanes_of(std::uint32_t seat) const {
  const std::uint32_t used = lanes_used();
  for (std::uint32_t index = 0; index < used; ++index) {
    const std::uint64_t stamp = layout().heads[index].owner.load(std::memory_order_relaxed);
    if (OwnerStamp::is_of_seat(stamp, seat)) give_back({index, stamp});
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (std::uint32_t index = 0; index < used; ++index) Doorbell(layout().heads[index].bell).ring_for_the_dead();
}

void Segment::wake_others(std::uint32_t own) const {
  // Between the store of what is new and the look at who sleeps: see doorbell.h.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint32_t used = lanes_used();
  for (std::uint32_t index = 0; index < used; ++index)
    if (index != own) Doorbell(layout().heads[index].bell).ring_if_asleep();
}

}  // namespace holdfast::broadcast
