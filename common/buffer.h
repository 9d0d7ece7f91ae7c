// Buffer: a growable window of bytes, one pointer wide while empty, so that idle connections carry nothing.
// Bytes are appended at the back and consumed from the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace holdfast {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(block_); }

  bool empty() const { return block_ == nullptr; }
  std::size_t size() const { return block_ == nullptr ? 0 : block_->end - block_->begin; }
  /// Valid until the next call that is not const.
  std::span<const std::byte> bytes() const {
    if (block_ == nullptr) return {};
    return {data() + block_->begin, size()};
  }

  void append(std::span<const std::byte> more) {
    if (more.empty()) return;
    std::memcpy(room(more.size()).data(), more.data(), more.size());
    block_->end += static_cast<std::uint32_t>(more.size());
  }
  /// At least `least` writable bytes behind the contents; commit() makes a part of them contents.
  std::span<std::byte> room(std::size_t least) {
    if (block_ == nullptr || block_->capacity - block_->end < least) grow(least);
    return {data() + block_->end, block_->capacity - block_->end};
  }
  void commit(std::size_t count) { block_->end += static_cast<std::uint32_t>(count); }
  /// Drops bytes from the front; memory is given back when nothing is left.
  void consume(std::size_t count) {
    block_->begin += static_cast<std::uint32_t>(count);
    if (block_->begin == block_->end) clear();
  }
  void clear() { std::free(std::exchange(block_, nullptr)); }

 private:
  struct Block {
    std::uint32_t begin, end, capacity, unused;
  };
  std::byte* data() const { return reinterpret_cast<std::byte*>(block_ + 1); }

  void grow(std::size_t least) {
    const std::size_t held = size();
    std::size_t capacity = 1024;
    while (capacity < held + least) capacity *= 2;
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + capacity));
    if (block == nullptr) throw std::bad_alloc();
    *block = Block{0, static_cast<std::uint32_t>(held), static_cast<std::uint32_t>(capacity), 0};
    if (held > 0) std::memcpy(block + 1, data() + block_->begin, held);
    std::free(block_);
    block_ = block;
  }

  Block* block_ = nullptr;
};

}  // namespace holdfast
