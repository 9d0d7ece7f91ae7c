#include "worker/loop/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace holdfast::loop {

Result<void> Watch::start(EventLoop& loop, int fd, std::uint32_t events, Watcher& watcher) {
  std::uint32_t index;
  if (loop.free_.empty()) {
    index = static_cast<std::uint32_t>(loop.registrations_.size());
    loop.registrations_.push_back({});
  } else {
    index = loop.free_.back();
    loop.free_.pop_back();
  }
  EventLoop::Registration& registration = loop.registrations_[index];
  registration.watcher = &watcher;
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{registration.generation} << 32 | index;
  if (epoll_ctl(loop.epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int code = errno;
    registration.watcher = nullptr;
    loop.free_.push_back(index);
    return system_error(code, "watch a descriptor");
  }
  loop_ = &loop;
  fd_ = fd;
  index_ = index;
  return {};
}

void Watch::change(std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{loop_->registrations_[index_].generation} << 32 | index_;
  epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, fd_, &event);
}

void Watch::stop() {
  if (loop_ != nullptr) epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  forget();
}

void Watch::forget() {
  if (loop_ == nullptr) return;
  EventLoop::Registration& registration = loop_->registrations_[index_];
  registration.watcher = nullptr;
  ++registration.generation;
  loop_->free_.push_back(index_);
  loop_ = nullptr;
}

void Deferred::unlink() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_error(errno, "make an epoll instance");
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll)));
}

EventLoop::EventLoop(Fd epoll) : epoll_(std::move(epoll)), now_(Clock::now()), timers_(now_, &steps_) {
  Deferred& anchor = deferred_;
  anchor.previous_ = anchor.next_ = &anchor;
}

void EventLoop::defer(Deferred& work) {
  if (work.next_ != nullptr) return;
  Deferred& anchor = deferred_;
  work.previous_ = anchor.previous_;
  work.next_ = &anchor;
  anchor.previous_->next_ = &work;
  anchor.previous_ = &work;
}

void EventLoop::run() {
  while (!stopped_) turn();
}

int EventLoop::wait_milliseconds() const {
  const Deferred& anchor = deferred_;
  if (anchor.next_ != &anchor) return 0;
  const TimePoint due = timers_.next_due();
  if (due == kNever) return -1;
  const TimePoint now = Clock::now();
  if (due <= now) return 0;
  return static_cast<int>(std::chrono::ceil<Milliseconds>(due - now).count());
}

void EventLoop::dispatch(const epoll_event& event) {
  const auto index = static_cast<std::uint32_t>(event.data.u64);
  const Registration& registration = registrations_[index];
  if (registration.watcher == nullptr || registration.generation != event.data.u64 >> 32) return;
  steps_.step();
  registration.watcher->on_ready(event.events);
}

void EventLoop::run_deferred() {
  Deferred& anchor = deferred_;
  List batch;  // what is queued while this batch runs waits for the next turn
  Deferred& batch_anchor = batch;
  if (anchor.next_ == &anchor) return;
  batch_anchor.next_ = anchor.next_;
  batch_anchor.previous_ = anchor.previous_;
  batch_anchor.next_->previous_ = &batch_anchor;
  batch_anchor.previous_->next_ = &batch_anchor;
  anchor.previous_ = anchor.next_ = &anchor;
  while (batch_anchor.next_ != &batch_anchor) {
    Deferred& work = *batch_anchor.next_;
    work.unlink();
    steps_.step();
    work.on_deferred();
  }
}

void EventLoop::turn() {
  int ready = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), wait_milliseconds());
  // Stopped and continued, for one: what is ready comes before the deadlines that have passed meanwhile.
  if (ready < 0) ready = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  now_ = Clock::now();
  steps_.step();
  if (hook_ != nullptr) hook_->on_turn_start(now_);
  for (int i = 0; i < ready; ++i) dispatch(events_[static_cast<std::size_t>(i)]);
  timers_.advance(now_);
  run_deferred();
  if (hook_ != nullptr) hook_->on_turn_end(now_);
}

}  // namespace holdfast::loop
