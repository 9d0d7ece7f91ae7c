#include "common/stats/fuse_table.h"

#include <algorithm>
#include <array>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {
namespace {

template <class AnyRoute>
auto members_of(AnyRoute& route) {
  return std::array{&route.site, &route.route, &route.since, &route.first_generation, &route.last_generation};
}

}  // namespace

void write_fuses(FuseTable& table, std::span<const FusedRoute> routes) {
  const std::size_t count = std::min(routes.size(), kMostFused);
  const std::uint64_t even = table.sequence.load(std::memory_order_relaxed);
  table.sequence.store(even + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (std::size_t i = 0; i < count; ++i) {
    const auto members = members_of(routes[i]);
    for (std::size_t m = 0; m < members.size(); ++m)
      table.entries[i][m].store(*members[m], std::memory_order_relaxed);
  }
  table.count.store(count, std::memory_order_relaxed);
  table.sequence.store(even + 2, std::memory_order_release);
}

std::vector<FusedRoute> read_fuses(const FuseTable& table) {
  std::vector<FusedRoute> routes;
  read_consistently(table.sequence, [&] {
    routes.assign(std::min<std::uint64_t>(table.count.load(std::memory_order_relaxed), kMostFused), {});
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const auto members = members_of(routes[i]);
      for (std::size_t m = 0; m < members.size(); ++m)
        *members[m] = table.entries[i][m].load(std::memory_order_relaxed);
    }
  });
  return routes;
}

}  // namespace holdfast::stats
