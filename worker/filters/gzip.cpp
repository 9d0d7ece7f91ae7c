#include <zlib.h>

#include <algorithm>
#include <limits>

#include "worker/filters/codecs.h"

namespace holdfast::filters {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the whole window, with gzip's header and trailer (RFC 1952)
constexpr int kMemoryLevel = 8;

int flush_of(Encoder::End end) {
  switch (end) {
    case Encoder::End::None:
      return Z_NO_FLUSH;
    case Encoder::End::Flush:
      return Z_SYNC_FLUSH;
    case Encoder::End::Finish:
      return Z_FINISH;
  }
  return Z_NO_FLUSH;
}

uInt clamp(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

class Gzip final : public Encoder {
 public:
  explicit Gzip(int level)
      : good_(deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
              Z_OK) {}
  ~Gzip() override {
    if (good_) deflateEnd(&stream_);
  }
  bool good() const { return good_; }

  void reset() override { deflateReset(&stream_); }

  Step encode(std::span<const std::byte> input, std::span<std::byte> room, End end) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream_.avail_in = clamp(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = clamp(room.size());
    const bool all_offered = stream_.avail_in == input.size();
    const uInt offered = stream_.avail_in;
    const uInt free = stream_.avail_out;
    const int result = deflate(&stream_, all_offered ? flush_of(end) : Z_NO_FLUSH);
    const bool done = end == End::Finish ? result == Z_STREAM_END
                                         : all_offered && stream_.avail_in == 0 && stream_.avail_out > 0;
    return {offered - stream_.avail_in, free - stream_.avail_out, done};
  }

 private:
  z_stream stream_{};
  const bool good_;
};

}  // namespace

std::unique_ptr<Encoder> make_gzip(int level) {
  auto made = std::make_unique<Gzip>(level);
  if (!made->good()) return nullptr;
  return made;
}

}  // namespace holdfast::filters
