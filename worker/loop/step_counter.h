// How many pieces of work a loop has begun, in a word that others can read: whoever sees the same number for
// long sees one piece of work that does not end.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::loop {

class StepCounter {
 public:
  StepCounter() = default;
  StepCounter(const StepCounter&) = delete;
  StepCounter& operator=(const StepCounter&) = delete;

  /// From now on in this word, which outlives the counting and which no other thread writes.
  void count_in(std::atomic<std::uint64_t>& word) { word_ = &word; }
  void step() { word_->store(word_->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> own_{0};
  std::atomic<std::uint64_t>* word_ = &own_;
};

}  // namespace holdfast::loop
