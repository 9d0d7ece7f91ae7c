// GuardedBuffer: a copy of bytes that ends right before an unmapped page, so that one byte read too many ends
// the test, without a sanitizer too.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace holdfast::support {

class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::string_view bytes) : size_(bytes.size()) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t readable = (bytes.size() + page - 1) / page * page;
    mapped_ = readable + page;
    void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    base_ = static_cast<char*>(memory);
    if (::mprotect(base_ + readable, page, PROT_NONE) != 0) std::abort();
    begin_ = base_ + readable - bytes.size();
    if (!bytes.empty()) std::memcpy(begin_, bytes.data(), bytes.size());
  }
  ~GuardedBuffer() { ::munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  std::string_view text() const { return {begin_, size_}; }
  std::span<const std::byte> bytes() const { return {reinterpret_cast<const std::byte*>(begin_), size_}; }

 private:
  char* base_ = nullptr;
  char* begin_ = nullptr;
  std::size_t size_;
  std::size_t mapped_ = 0;
};

}  // namespace holdfast::support
