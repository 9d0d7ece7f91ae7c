// Gives memory back to the system when a crowd of connections has left: the allocator keeps it otherwise,
// spread over a heap of which a few pages are in use. One for each worker; owned by it.
#pragma once

#include <cstddef>

#include "worker/loop/event_loop.h"

namespace holdfast::worker {

class MemoryReturn final : private loop::Timer {
 public:
  /// `loop` outlives it.
  explicit MemoryReturn(loop::EventLoop& loop) : loop_(loop) {}

  /// Told at the end of each turn how many connections there are.
  void look(std::size_t connections) {
    connections_ = connections;
    if (connections >= most_)
      most_ = connections;
    else if (has_left() && !waits_)
      wait();
  }

 private:
  // Fewer leave nothing worth the walk through the heap.
  static constexpr std::size_t kCrowd = 512;

  bool has_left() const { return most_ >= kCrowd && connections_ < most_ / 2; }
  void wait();
  void on_timer(TimePoint now) override;

  loop::EventLoop& loop_;
  std::size_t connections_ = 0;
  std::size_t most_ = 0;  // since memory was given back last
  bool waits_ = false;
};

}  // namespace holdfast::worker
