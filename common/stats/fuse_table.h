// Routes that take no requests because their handlers have killed too many workers: decided and written by the
// master, obeyed by the workers of the generations that it names.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr std::size_t kMostFused = 64;

struct FusedRoute {
  std::uint64_t site = 0;   // index into the segment's table of site names
  std::uint64_t route = 0;  // likewise of route names
  std::uint64_t since = 0;  // wall clock, nanoseconds since 1970
  std::uint64_t first_generation = 0;
  std::uint64_t last_generation = 0;

  bool holds_for(std::uint64_t generation) const {
    return first_generation <= generation && generation <= last_generation;
  }
};

struct FuseTable {
  Word sequence;  // odd while it is being written
  Word count;
  Word entries[kMostFused][5];
};

/// Master only: these are fused from now on, and no other. At most kMostFused are taken.
void write_fuses(FuseTable& table, std::span<const FusedRoute> routes);
std::vector<FusedRoute> read_fuses(const FuseTable& table);

}  // namespace holdfast::stats
