// One epoll turn after another: wait, ready descriptors, timers, deferred work, end of turn. Single-threaded;
// owned by the worker; everything registered with it must unregister (by destructor) before the loop ends.
// Nothing is destroyed inside a call from here: whoever wants to end an object does it in the end-of-turn hook.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"
#include "common/result.h"
#include "worker/loop/step_counter.h"
#include "worker/loop/timer_wheel.h"

namespace holdfast::loop {

class EventLoop;

/// Called when a watched descriptor is ready. `events` are epoll's.
class Watcher {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

/// A descriptor's registration: made by start(), ended by stop() or the destructor. An event that was already
/// fetched for an ended registration is dropped by its generation, in one place. The descriptor must still be
/// open at stop(): a closed one stays in epoll while another process holds it.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { stop(); }

  Result<void> start(EventLoop& loop, int fd, std::uint32_t events, Watcher& watcher);
  /// Asks for other events from now on.
  void change(std::uint32_t events);
  void stop();
  /// As stop(), without the system call: for a descriptor that is closed within this turn and that nobody else
  /// holds.
  void forget();
  bool active() const { return loop_ != nullptr; }

 private:
  EventLoop* loop_ = nullptr;
  int fd_ = -1;
  std::uint32_t index_ = 0;
};

/// Work put off to the end of this turn or, if queued while deferred work runs, to the next one. Intrusive;
/// unlinks itself.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

 protected:
  ~Deferred() { unlink(); }
  virtual void on_deferred() = 0;

 private:
  friend class EventLoop;
  void unlink();
  Deferred* previous_ = nullptr;
  Deferred* next_ = nullptr;
};

/// Called once after all events, timers and deferred work of a turn.
class TurnHook {
 public:
  virtual void on_turn_start(TimePoint now) = 0;
  virtual void on_turn_end(TimePoint started) = 0;

 protected:
  ~TurnHook() = default;
};

class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void set_hook(TurnHook& hook) { hook_ = &hook; }
  /// Counts each event, timer and deferred work that is begun.
  StepCounter& steps() { return steps_; }
  /// Turns until stop() is called.
  void run();
  /// One turn; it waits only while nothing is deferred.
  void turn();
  void stop() { stopped_ = true; }

  /// Time at the start of this turn.
  /// Of the turn; the reference stays good, and shows later turns.
  const TimePoint& now() const { return now_; }
  TimerWheel& timers() { return timers_; }
  /// Queues once; a second call before it ran changes nothing.
  void defer(Deferred& work);

  /// Scratch memory for one read; its contents are valid until the next event is dispatched.
  std::span<std::byte> read_buffer() { return read_buffer_; }

  static constexpr std::size_t kReadBuffer = 64 * 1024;

 private:
  friend class Watch;
  struct Registration {
    Watcher* watcher = nullptr;
    std::uint32_t generation = 0;
  };
  struct List final : Deferred {
    void on_deferred() override {}
  };

  explicit EventLoop(Fd epoll);
  void dispatch(const epoll_event& event);
  void run_deferred();
  int wait_milliseconds() const;

  Fd epoll_;
  TimePoint now_;
  StepCounter steps_;
  TimerWheel timers_;
  TurnHook* hook_ = nullptr;
  bool stopped_ = false;
  List deferred_;
  std::vector<Registration> registrations_;
  std::vector<std::uint32_t> free_;
  std::array<epoll_event, 256> events_;
  alignas(64) std::array<std::byte, kReadBuffer> read_buffer_;
};

}  // namespace holdfast::loop
