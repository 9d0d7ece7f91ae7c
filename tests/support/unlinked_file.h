// UnlinkedFile: a file of given size that exists only as a descriptor.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/fd.h"

namespace holdfast::support {

class UnlinkedFile {
 public:
  /// Byte i of the content is a letter that depends on i, so that a shifted range never compares equal.
  explicit UnlinkedFile(std::size_t size) : fd_(::memfd_create("unlinked", MFD_CLOEXEC)) {
    for (std::size_t i = 0; i < size; ++i) content_ += static_cast<char>('a' + (i ^ (i >> 7) ^ (i >> 15)) % 26);
    if (!fd_ || ::write(fd_.get(), content_.data(), size) != static_cast<ssize_t>(size)) std::abort();
  }
  int fd() const { return fd_.get(); }
  std::uint64_t size() const { return content_.size(); }
  const std::string& content() const { return content_; }
  void shrink(std::size_t size) const {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) std::abort();
  }

 private:
  Fd fd_;
  std::string content_;
};

}  // namespace holdfast::support
