// Compression of content: gzip, brotli and zstd behind one interface, as a stream with flushes or all at once.
// Encoders hold large tables (a quarter of a MiB and more), so those of a worker are kept and used again; one
// is used by one response at a time. Not for several threads, but for compress_whole().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/coding.h"

namespace holdfast::filters {

/// Whether this build knows the coding; gzip is always there.
bool is_available(Coding coding);

class Encoder {
 public:
  enum class End : std::uint8_t {
    None,   // more will come: output may be held back
    Flush,  // all that went in can be read by the peer
    Finish  // nothing follows
  };
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool done = false;  // nothing of what `end` asked for is left inside; else call again with more room
  };

  virtual ~Encoder() = default;
  /// Makes it ready for another stream.
  virtual void reset() = 0;
  /// Takes input and gives output, as far as `room` allows.
  virtual Step encode(std::span<const std::byte> input, std::span<std::byte> room, End end) = 0;
};

/// A new encoder; null when the coding is not available or memory has run out.
std::unique_ptr<Encoder> make_encoder(Coding coding, std::uint32_t gzip_level);

/// `content` in one piece; nothing when that fails. For any thread. Static content is packed once and sent
/// often, so it is given more effort than a stream.
std::optional<std::string> compress_whole(Coding coding, std::uint32_t gzip_level, std::string_view content);

/// Encoders of one worker that are not in use.
class EncoderPool {
 public:
  std::unique_ptr<Encoder> take(Coding coding, std::uint32_t gzip_level);
  void give_back(Coding coding, std::uint32_t gzip_level, std::unique_ptr<Encoder> encoder);

 private:
  static constexpr std::size_t kMostSpare = 16;
  struct Spare {
    Coding coding;
    std::uint32_t gzip_level;
    std::unique_ptr<Encoder> encoder;
  };
  std::vector<Spare> spare_;
};

}  // namespace holdfast::filters
