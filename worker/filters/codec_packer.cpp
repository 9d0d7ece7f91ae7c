#include "worker/filters/codec_packer.h"

#include "worker/filters/encoder.h"

namespace holdfast::filters {

bool CodecPacker::knows(Coding coding) const {
  return is_available(coding);
}

std::optional<std::string> CodecPacker::pack(Coding coding, std::uint32_t gzip_level,
                                             std::string_view content) const {
  return compress_whole(coding, gzip_level, content);
}

void CodecPacker::count(Coding coding, std::size_t in, std::size_t out) {
  const auto cell = [&](stats::CodingSide side) {
    return stats_.cell(stats::Metric::CompressionBytes, static_cast<std::uint16_t>(coding),
                       static_cast<std::uint16_t>(side));
  };
  cell(stats::CodingSide::In).add(in);
  cell(stats::CodingSide::Out).add(out);
}

}  // namespace holdfast::filters
