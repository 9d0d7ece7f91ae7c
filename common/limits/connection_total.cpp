#include "common/limits/connection_total.h"

#include <algorithm>

namespace holdfast::limits {
namespace {

constexpr std::uint64_t kReservedShare = 16;
constexpr std::uint64_t kLeastForReserves = 64;  // connections a worker

}  // namespace

ConnectionTotal::ConnectionTotal(const stats::Segment& segment, std::uint32_t seat, std::uint64_t limit,
                                 std::uint32_t workers)
    : segment_(segment),
      seat_(seat),
      limit_(limit),
      reserve_(limit < kLeastForReserves * workers ? 0 : limit / (kReservedShare * std::max(workers, 1U))) {}

std::uint64_t ConnectionTotal::claimed(std::uint64_t own) const {
  std::uint64_t total = own;
  const std::uint32_t end = segment_.seats_used();
  for (std::uint32_t seat = stats::kMasterSeat + 1; seat < end; ++seat) {
    const stats::SeatState& state = segment_.seat_state(seat);
    const auto use = static_cast<stats::SeatUse>(state.use.load(std::memory_order_acquire));
    if (seat == seat_ || use == stats::SeatUse::Free || state.slot.load() == stats::kAdminSlot) continue;
    const std::uint64_t open = segment_.seat(seat).activity.connections.load(std::memory_order_relaxed);
    total += use == stats::SeatUse::Draining ? open : std::max(open, reserve_);
  }
  return total;
}

}  // namespace holdfast::limits
