// How much each worker has to do, where the kernel can read it when it chooses a socket for a new connection: a
// BPF map of one word a slot, which the workers write through shared memory. Needs the right to make such maps
// (root, or CAP_BPF).
#pragma once

#include <atomic>
#include <cstdint>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast::master {

class LoadBoard {
 public:
  /// Fails with ErrorKind::Permission where the right is missing, with ErrorKind::System where the kernel is.
  static Result<LoadBoard> create();
  LoadBoard(LoadBoard&& other) noexcept;
  LoadBoard& operator=(LoadBoard&&) = delete;
  ~LoadBoard();

  /// Of the worker of that slot; in memory that forked processes share. Written by that worker, raised by the
  /// kernel for each connection that it gives to it meanwhile.
  std::atomic<std::uint64_t>& word(std::uint32_t slot) const { return words_[slot]; }
  int map() const { return map_.get(); }

 private:
  LoadBoard(Fd map, std::atomic<std::uint64_t>* words) : map_(std::move(map)), words_(words) {}

  Fd map_;
  std::atomic<std::uint64_t>* words_;
};

}  // namespace holdfast::master
