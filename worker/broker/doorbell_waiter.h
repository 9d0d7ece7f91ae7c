// Brings a doorbell of the shared memory to the event loop: a thread that sleeps on its word, which epoll
// cannot watch, and writes an eventfd for each ring, which it can. Who arms the bell need not wake the thread:
// it waits for any change of the word and tells those alone that are rings.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "common/broadcast/doorbell.h"
#include "common/fd.h"
#include "common/result.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broker {

class DoorbellWaiter final : private loop::Watcher {
 public:
  /// Is told in the loop's thread; rings that come close together are told once.
  class Rung {
   public:
    virtual void on_rung() = 0;

   protected:
    ~Rung() = default;
  };
  /// Starts the thread. Fails when there is no descriptor or no thread to be had. The bell's memory, `loop` and
  /// `rung` outlive it.
  static Result<std::unique_ptr<DoorbellWaiter>> start(loop::EventLoop& loop, broadcast::Doorbell bell,
                                                       Rung& rung);
  /// Ends the thread at once, also while it sleeps.
  ~DoorbellWaiter();
  DoorbellWaiter(const DoorbellWaiter&) = delete;
  DoorbellWaiter& operator=(const DoorbellWaiter&) = delete;

 private:
  DoorbellWaiter(broadcast::Doorbell bell, Rung& rung, Fd eventfd);
  void listen(std::uint32_t rings);
  void on_ready(std::uint32_t events) override;

  broadcast::Doorbell bell_;
  Rung& rung_;
  Fd eventfd_;
  loop::Watch watch_;  // goes before the descriptor
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace holdfast::broker
