#include "worker/loop/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace holdfast::loop {

void Timer::unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint start, StepCounter* steps) : start_(start), steps_(steps) {
  for (Anchor& anchor : buckets_) {
    Timer& timer = anchor;
    timer.previous_ = timer.next_ = &timer;
  }
}

std::uint64_t TimerWheel::tick_of(TimePoint time) const {
  if (time <= start_) return 0;
  // Rounded up: a timer in tick N is due when N is run, and N is run only after its end.
  return static_cast<std::uint64_t>((time - start_ + kTick - Duration(1)) / kTick);
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  timer.deadline_ = deadline;
  if (deadline == kNever) return;  // a linked one is dropped when its place comes up
  if (timer.next_ != nullptr && tick_of(deadline) >= timer.tick_) return;
  link(timer);
}

void TimerWheel::cancel(Timer& timer) {
  timer.deadline_ = kNever;
  timer.unlink();
}

void TimerWheel::link(Timer& timer) {
  timer.unlink();
  const std::uint64_t wanted = std::max(tick_of(timer.deadline_), current_);
  // The bucket that is being run (the one before current_) takes nothing in, or its run would not end.
  timer.tick_ = std::min(wanted, current_ + kBuckets - 2);
  const std::uint64_t bucket = timer.tick_ % kBuckets;
  Timer& anchor = buckets_[bucket];
  timer.previous_ = anchor.previous_;
  timer.next_ = &anchor;
  anchor.previous_->next_ = &timer;
  anchor.previous_ = &timer;
  maybe_used_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
}

void TimerWheel::run_bucket(std::uint64_t bucket, TimePoint now) {
  Timer& anchor = buckets_[bucket];
  maybe_used_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
  // Timers that are linked again during this run land in later ticks: current_ is already past this one.
  while (anchor.next_ != &anchor) {
    Timer& timer = *anchor.next_;
    timer.unlink();
    if (timer.deadline_ == kNever) continue;
    if (timer.deadline_ > now) {
      link(timer);
      continue;
    }
    timer.deadline_ = kNever;
    if (steps_ != nullptr) steps_->step();
    timer.on_timer(now);
  }
}

void TimerWheel::advance(TimePoint now) {
  if (now < start_) return;
  const std::uint64_t reached = static_cast<std::uint64_t>((now - start_) / kTick);
  if (reached >= current_ + kBuckets)
    current_ = reached - kBuckets + 1;  // every bucket is visited once at most
  while (current_ <= reached) {
    const std::uint64_t bucket = current_ % kBuckets;
    ++current_;
    if ((maybe_used_[bucket / 64] >> (bucket % 64) & 1) != 0) run_bucket(bucket, now);
  }
}

TimePoint TimerWheel::next_due() const {
  for (std::uint64_t step = 0; step < kBuckets;) {
    const std::uint64_t bucket = (current_ + step) % kBuckets;
    const std::uint64_t word = maybe_used_[bucket / 64] >> (bucket % 64);
    if (word != 0) {
      const std::uint64_t tick = current_ + step + static_cast<std::uint64_t>(std::countr_zero(word));
      return start_ + kTick * static_cast<std::int64_t>(tick);
    }
    step += 64 - bucket % 64;
  }
  return kNever;
}

}  // namespace holdfast::loop
