// How the reader of a lane's owner sleeps until something is published: an event count in one word that the
// kernel can wait on. Odd: the reader is asleep, or will be; even: it is awake and looks for itself, so that
// nobody makes a system call for it. The half of the word counts the rings.
//
//   reader      arm(); nothing new? then wait until the count of rings changes; else disarm() and read
//   publisher   store of `end`; full fence; is the word odd? then make it even and wake
//
// No wake-up is lost: arm() has a full fence behind its store as well. Of the two that store one word and then
// load the other's, at least one sees what the other has stored: either the reader finds the record, or the
// publisher finds the reader asleep. A publisher that dies between changing the word and waking leaves a
// sleeper that the next publisher takes to be awake; the master, who buries the dead, wakes everybody.
#pragma once

#include <cstdint>

#include "common/broadcast/lane.h"

namespace holdfast::broadcast {

/// A view of the word of one lane, which outlives it.
class Doorbell {
 public:
  explicit Doorbell(BellWord& word) : word_(&word) {}

  /// Reader: from now on publishers ring. What was published before arm() returns is for the caller to see.
  void arm();
  /// Reader: awake again. A ring that comes at the same moment may still be told.
  void disarm();
  /// Any process, after a full fence: wakes the reader when it is asleep.
  void ring_if_asleep();
  /// Master: wakes the reader also when another process had begun to and died over it.
  void ring_for_the_dead();
  /// Reader: a ring that is none, to make a thread that waits look at something else.
  void nudge();

  std::uint32_t value() const { return word_->load(std::memory_order_acquire); }
  static std::uint32_t rings(std::uint32_t value) { return value / 2; }
  /// Returns when the word is no longer `value`, and sometimes before (a signal): callers look again.
  void wait(std::uint32_t value) const;

 private:
  void wake() const;

  BellWord* word_;
};

}  // namespace holdfast::broadcast
