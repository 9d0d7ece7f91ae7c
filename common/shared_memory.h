// Memory that several processes share: a memory file of fixed size and its mapping, made by the master and
// inherited by what it forks. The descriptor is for a successor of the master, which maps the same memory
// again; pages that nobody used take no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast {

/// Owner of file and mapping. Copied by fork, unmapped by the destructor.
class SharedMemory {
 public:
  /// All zero. `name` is what /proc shows; `purpose` completes "the shared memory for ...".
  static Result<SharedMemory> create(const char* name, std::size_t size, std::string_view purpose);
  /// Maps what another process made. ErrorKind::Unavailable when it has another size: it was made by another
  /// version.
  static Result<SharedMemory> attach(Fd file, std::size_t size, std::string_view purpose);
  SharedMemory(SharedMemory&& other) noexcept
      : file_(std::move(other.file_)), at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMemory();

  void* get() const { return at_; }
  int fd() const { return file_.get(); }
  /// What stands there goes into no core file.
  void keep_out_of_core_files() const;

 private:
  SharedMemory(Fd file, void* at, std::size_t size) : file_(std::move(file)), at_(at), size_(size) {}
  static Result<SharedMemory> map(Fd file, std::size_t size, std::string_view purpose);

  Fd file_;
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

/// The error for memory that was made by a version with another layout.
Error of_another_version(std::string_view purpose);

}  // namespace holdfast
