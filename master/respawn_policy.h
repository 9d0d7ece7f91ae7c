// When a slot whose process has died gets its next one. A death in service is repaired at once; processes that
// die before they are ready, or shortly after, are held back longer and longer. Pure functions over values.
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "config/config.h"

namespace holdfast::master {

/// A process that ends so soon after it was ready has served nobody.
inline constexpr Milliseconds kShortlyAfterReady{100};
/// A process that has lived so long has proved its slot sound.
inline constexpr Milliseconds kProvenLife{60'000};

/// What a slot remembers of its dead.
struct RespawnHistory {
  std::uint32_t quick_deaths = 0;  // since the last process that lived for kProvenLife
};

/// The life of a process that has ended without being asked to.
struct Life {
  bool was_ready = false;
  Duration total{};        // since its start
  Duration since_ready{};  // meaningful when was_ready
};

struct RespawnDecision {
  Duration delay{};  // zero: at once
  RespawnHistory history;
};

/// The first quick death costs no delay, the second `initial_delay`, each further one twice the last up to
/// `max_delay`.
RespawnDecision decide_respawn(RespawnHistory history, const Life& life, const config::Respawn& settings);

}  // namespace holdfast::master
