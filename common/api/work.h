// Work that would block the event loop (a slow hash, a big file to compress) is done by the threads of the
// worker's pool; its result returns to the loop.
#pragma once

#include <memory>

namespace holdfast::api {

/// A piece of work. Made and destroyed in the loop's thread. Whoever waits for it may be gone when it is done
/// (a client leaves, its exchange ends): then it tells the work so, in the loop's thread, and done() has nobody
/// to tell.
class Work {
 public:
  virtual ~Work() = default;
  /// In a thread of the pool. May block; touches only what belongs to this work; everything it needs of an
  /// exchange was copied before.
  virtual void run() noexcept = 0;
  /// In the loop's thread, after run().
  virtual void done() = 0;
};

class WorkPool {
 public:
  /// Takes the work over. False when more is waiting than is worth waiting for: the work is destroyed, neither
  /// run nor done; answer 503 or do without. Work that has not begun when the worker ends is destroyed
  /// likewise.
  [[nodiscard]] virtual bool submit(std::unique_ptr<Work> work) = 0;

 protected:
  ~WorkPool() = default;
};

}  // namespace holdfast::api
