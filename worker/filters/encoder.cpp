#include "worker/filters/encoder.h"

#include <algorithm>
#include <utility>

#include "worker/filters/codecs.h"

namespace holdfast::filters {

bool is_available(Coding coding) {
  switch (coding) {
    case Coding::Gzip:
      return true;
    case Coding::Brotli:
      return has_brotli();
    case Coding::Zstd:
      return has_zstd();
    case Coding::kCount:
      break;
  }
  return false;
}

std::unique_ptr<Encoder> make_encoder(Coding coding, std::uint32_t gzip_level) {
  switch (coding) {
    case Coding::Gzip:
      return make_gzip(static_cast<int>(gzip_level));
    case Coding::Brotli:
      return make_brotli(Effort::Stream);
    case Coding::Zstd:
      return make_zstd(Effort::Stream);
    case Coding::kCount:
      break;
  }
  return nullptr;
}

std::optional<std::string> compress_whole(Coding coding, std::uint32_t gzip_level, std::string_view content) {
  std::unique_ptr<Encoder> encoder;
  switch (coding) {
    case Coding::Gzip:
      encoder = make_gzip(static_cast<int>(gzip_level));
      break;
    case Coding::Brotli:
      encoder = make_brotli(Effort::Once);
      break;
    case Coding::Zstd:
      encoder = make_zstd(Effort::Once);
      break;
    case Coding::kCount:
      break;
  }
  if (!encoder) return std::nullopt;
  std::string packed;
  std::span<const std::byte> rest = std::as_bytes(std::span(content));
  for (bool done = false; !done;) {
    const std::size_t at = packed.size();
    packed.resize(at + std::max<std::size_t>(4096, rest.size() / 2));
    const std::span<std::byte> room = std::as_writable_bytes(std::span(packed)).subspan(at);
    const Encoder::Step step = encoder->encode(rest, room, Encoder::End::Finish);
    if (step.consumed == 0 && step.produced == 0 && !step.done) return std::nullopt;
    rest = rest.subspan(step.consumed);
    packed.resize(at + step.produced);
    done = step.done;
  }
  packed.shrink_to_fit();
  return packed;
}

std::unique_ptr<Encoder> EncoderPool::take(Coding coding, std::uint32_t gzip_level) {
  const auto found = std::find_if(spare_.begin(), spare_.end(), [&](const Spare& spare) {
    return spare.coding == coding && spare.gzip_level == gzip_level;
  });
  if (found == spare_.end()) return make_encoder(coding, gzip_level);
  std::unique_ptr<Encoder> encoder = std::move(found->encoder);
  spare_.erase(found);
  encoder->reset();
  return encoder;
}

void EncoderPool::give_back(Coding coding, std::uint32_t gzip_level, std::unique_ptr<Encoder> encoder) {
  if (spare_.size() < kMostSpare) spare_.push_back({coding, gzip_level, std::move(encoder)});
}

}  // namespace holdfast::filters
