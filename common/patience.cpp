#include "common/patience.h"

#include <algorithm>

namespace holdfast {
namespace {

// Least time of a turn: a round trip to a peer that was told to wait, and its first packet.
constexpr Milliseconds kMoment{1000};

}  // namespace

void Patience::set(Milliseconds limit, std::uint64_t rate) {
  if (limit == limit_ && rate == rate_) return;
  limit_ = limit;
  rate_ = rate;
  left_ = limit;
}

void Patience::refill() {
  left_ = limit_;
  deadline_ = kNever;
  last_move_ = {};
}

void Patience::run(TimePoint now) {
  if (runs()) return;
  deadline_ = now + std::max<Duration>(left_, std::min(limit_, kMoment));
}

void Patience::stand(TimePoint now) {
  if (!runs()) return;
  left_ = std::max(deadline_ - now, Duration::zero());
  deadline_ = kNever;
}

Duration Patience::earned_by(std::uint64_t bytes) const {
  const double seconds = static_cast<double>(bytes) / static_cast<double>(rate_);
  const std::chrono::duration<double> most = limit_;
  if (seconds >= most.count()) return limit_;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

void Patience::moved(std::uint64_t bytes, TimePoint now) {
  if (bytes == 0) return;
  last_move_ = now;
  if (rate_ == 0) {
    left_ = limit_;
    if (runs()) deadline_ = now + limit_;
    return;
  }
  const Duration earned = earned_by(bytes);
  left_ = std::min<Duration>(left_ + earned, limit_);
  if (runs()) deadline_ = std::min<TimePoint>(deadline_ + earned, now + limit_);
}

}  // namespace holdfast
