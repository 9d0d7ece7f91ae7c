#include "master/hang_watch.h"

#include <algorithm>
#include <utility>

namespace holdfast::master {
namespace {

constexpr int kLooksInLimit = 20;
constexpr Milliseconds kShortestInterval{20};
constexpr Milliseconds kLongestInterval{250};
// So many intervals late, a round says more about the master than about its workers.
constexpr int kGap = 4;

}  // namespace

Duration HangWatch::interval() const {
  return std::clamp<Duration>(limit_ / kLooksInLimit, kShortestInterval, kLongestInterval);
}

void HangWatch::begin_round(TimePoint now) {
  const bool gap = next_round_ != TimePoint::min() && now - next_round_ > kGap * interval();
  next_round_ = now + interval();
  ++round_;
  if (!gap) return;
  for (auto& [id, watched] : processes_)
    if (!watched.stuck) start_anew(watched, now);
}

HangWatch::Verdict HangWatch::look(std::uint64_t process, const Beat& beat, TimePoint now) {
  const auto [found, is_new] = processes_.try_emplace(process, Watched{beat, now});
  Watched& watched = found->second;
  watched.round = round_;
  if (is_new) return Verdict::Fine;
  // A turn that has ended is progress, too.
  const bool same = watched.beat.steps == beat.steps && watched.beat.waiting == beat.waiting;
  if (same) return judge_same(watched, now);
  watched.beat = beat;
  start_anew(watched, now);
  return std::exchange(watched.stuck, false) ? Verdict::Moves : Verdict::Fine;
}

HangWatch::Verdict HangWatch::judge_same(Watched& watched, TimePoint now) {
  if (watched.stuck) return Verdict::Fine;
  TimePoint stuck_at = watched.since + limit_;
  if (watched.beat.waiting) {
    if (watched.poked_at == kNever && now - watched.since < poke_after()) return Verdict::Fine;
    if (watched.poked_at == kNever) {
      watched.poked_at = now;
      return Verdict::Poke;
    }
    // With the time before the poke this is the limit: whoever connected to a stopped worker waits no longer.
    stuck_at = watched.poked_at + (limit_ - poke_after());
  }
  if (now < stuck_at) return Verdict::Fine;
  watched.stuck = true;
  return Verdict::Stuck;
}

void HangWatch::start_anew(Watched& watched, TimePoint now) {
  watched.since = now;
  watched.poked_at = kNever;
}

void HangWatch::excuse(std::uint64_t process, TimePoint now) {
  const auto found = processes_.find(process);
  if (found == processes_.end()) return;
  found->second.stuck = false;
  start_anew(found->second, now);
}

void HangWatch::end_round() {
  std::erase_if(processes_, [this](const auto& entry) { return entry.second.round != round_; });
}

Duration HangWatch::standstill(std::uint64_t process, TimePoint now) const {
  const auto found = processes_.find(process);
  return found == processes_.end() ? Duration::zero() : now - found->second.since;
}

}  // namespace holdfast::master
