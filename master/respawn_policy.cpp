#include "master/respawn_policy.h"

#include <algorithm>

namespace holdfast::master {
namespace {

bool died_quickly(const Life& life) {
  return !life.was_ready || life.since_ready < kShortlyAfterReady;
}

Duration back_off(std::uint32_t quick_deaths, const config::Respawn& settings) {
  if (quick_deaths <= 1) return Duration::zero();
  Milliseconds delay = settings.initial_delay;
  for (std::uint32_t n = 2; n < quick_deaths && delay < settings.max_delay; ++n) delay *= 2;
  return std::min(delay, settings.max_delay);
}

}  // namespace

RespawnDecision decide_respawn(RespawnHistory history, const Life& life, const config::Respawn& settings) {
  if (life.was_ready && life.total >= kProvenLife) history.quick_deaths = 0;
  if (!died_quickly(life)) return {Duration::zero(), history};
  ++history.quick_deaths;
  return {back_off(history.quick_deaths, settings), history};
}

}  // namespace holdfast::master
