// The worker's api::WorkPool: a few threads, a bounded queue, and an eventfd that brings what is done back to
// the loop. The threads start with the first work, so a worker that needs none has none; they take no signals.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/api/work.h"
#include "worker/loop/event_loop.h"

namespace holdfast::loop {

class ThreadPool final : public api::WorkPool, private Watcher {
 public:
  struct Limits {
    std::size_t threads = 2;
    std::size_t waiting = 256;  // more is refused
  };
  /// `loop` outlives the pool.
  ThreadPool(EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {}
  explicit ThreadPool(EventLoop& loop) : ThreadPool(loop, Limits{}) {}
  /// Waits for work that has begun; the rest is destroyed.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] bool submit(std::unique_ptr<api::Work> work) override;

 private:
  bool start();
  void serve();
  void on_ready(std::uint32_t events) override;

  EventLoop& loop_;
  const Limits limits_;
  Fd wake_;
  Watch watch_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::unique_ptr<api::Work>> waiting_;
  std::vector<std::unique_ptr<api::Work>> finished_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace holdfast::loop
