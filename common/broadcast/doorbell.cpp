#include "common/broadcast/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace holdfast::broadcast {

// While the word is even only the reader changes it.
void Doorbell::arm() {
  word_->store(word_->load(std::memory_order_relaxed) | 1U, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::disarm() {
  std::uint32_t value = word_->load(std::memory_order_relaxed);
  // When it fails somebody has rung: it is even already.
  if (value % 2 == 1) word_->compare_exchange_strong(value, value - 1, std::memory_order_relaxed);
}

void Doorbell::ring_if_asleep() {
  std::uint32_t value = word_->load(std::memory_order_relaxed);
  if (value % 2 == 0) return;
  // Whoever changes it wakes. When it fails another has rung, or the reader is awake.
  if (word_->compare_exchange_strong(value, value + 1, std::memory_order_release)) wake();
}

void Doorbell::ring_for_the_dead() {
  ring_if_asleep();
  wake();
}

void Doorbell::nudge() {
  word_->fetch_add(2, std::memory_order_release);
  wake();
}

// Not the private kind of futex: the processes that wake have the word at an address of their own mapping.
void Doorbell::wait(std::uint32_t value) const {
  syscall(SYS_futex, word_, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

void Doorbell::wake() const {
  syscall(SYS_futex, word_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace holdfast::broadcast
