#include "worker/admin/health.h"

#include <set>

#include "common/stats/stats_reader.h"

namespace holdfast::admin {

std::optional<std::string> reason_not_ready(const stats::Segment& segment) {
  const stats::Snapshot snapshot = stats::take_snapshot(segment);
  std::uint64_t wanted = 0;
  for (const stats::SeriesSum& sum : snapshot.series)
    if (sum.key.metric == stats::Metric::WorkersWanted) wanted = sum.value;
  // Two generations of a slot serve one slot.
  std::set<std::uint32_t> serving;
  for (const stats::ProcessView& process : snapshot.processes)
    if (process.slot != stats::kAdminSlot && process.use == stats::SeatUse::Ready) serving.insert(process.slot);
  if (wanted == 0) return "no workers are wanted yet";
  if (serving.size() >= wanted) return std::nullopt;
  return std::to_string(serving.size()) + " of " + std::to_string(wanted) + " workers are ready";
}

}  // namespace holdfast::admin
