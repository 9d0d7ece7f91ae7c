#include "worker/broker/doorbell_waiter.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "worker/loop/signals_blocked.h"

namespace holdfast::broker {

using broadcast::Doorbell;

DoorbellWaiter::DoorbellWaiter(Doorbell bell, Rung& rung, Fd eventfd)
    : bell_(bell), rung_(rung), eventfd_(std::move(eventfd)) {}

Result<std::unique_ptr<DoorbellWaiter>> DoorbellWaiter::start(loop::EventLoop& loop, Doorbell bell,
                                                              Rung& rung) {
  Fd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!eventfd) return system_error(errno, "make an eventfd for messages between workers");
  std::unique_ptr<DoorbellWaiter> waiter(new DoorbellWaiter(bell, rung, std::move(eventfd)));
  if (const Result<void> watched = waiter->watch_.start(loop, waiter->eventfd_.get(), EPOLLIN, *waiter);
      !watched)
    return watched.error();
  const loop::SignalsBlocked blocked;
  try {
    // Rings count from here on, not from when the thread first runs.
    waiter->thread_ =
        std::thread(&DoorbellWaiter::listen, waiter.get(), Doorbell::rings(waiter->bell_.value()));
  } catch (const std::system_error& error) {
    return system_error(error.code().value(), "start a thread that waits for messages of other workers");
  }
  return waiter;
}

DoorbellWaiter::~DoorbellWaiter() {
  if (!thread_.joinable()) return;
  ending_.store(true, std::memory_order_relaxed);
  // Changes the word, which carries the flag with it: a thread that is just going to sleep does not.
  bell_.nudge();
  thread_.join();
}

void DoorbellWaiter::listen(std::uint32_t rings) {
  for (;;) {
    const std::uint32_t value = bell_.value();
    if (ending_.load(std::memory_order_relaxed)) return;
    if (Doorbell::rings(value) != rings) {
      rings = Doorbell::rings(value);
      constexpr std::uint64_t kOne = 1;
      (void)!::write(eventfd_.get(), &kOne, sizeof kOne);
    }
    bell_.wait(value);
  }
}

void DoorbellWaiter::on_ready(std::uint32_t /*events*/) {
  std::uint64_t count;
  (void)!::read(eventfd_.get(), &count, sizeof count);
  rung_.on_rung();
}

}  // namespace holdfast::broker
