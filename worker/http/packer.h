// Compression for who keeps the result: implemented by filters/, used by handlers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/coding.h"

namespace holdfast::http {

class Packer {
 public:
  /// Whether this build has the coding.
  virtual bool knows(Coding coding) const = 0;
  /// `content` in one piece, with more effort than a stream gets; nothing when that fails. Takes its time: some
  /// milliseconds for 100 KiB. For any thread.
  virtual std::optional<std::string> pack(Coding coding, std::uint32_t gzip_level,
                                          std::string_view content) const = 0;
  /// Takes down that `in` bytes have become `out` bytes. In the loop's thread.
  virtual void count(Coding coding, std::size_t in, std::size_t out) = 0;

 protected:
  ~Packer() = default;
};

}  // namespace holdfast::http
