// Content codings (RFC 9110 section 8.4.1), one row each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

enum class Coding : std::uint8_t { Gzip, Brotli, Zstd, kCount };
inline constexpr std::size_t kCodings = static_cast<std::size_t>(Coding::kCount);

struct CodingRow {
  std::string_view name;       // in Content-Encoding, Accept-Encoding and metrics
  std::string_view suffix;     // of a file that was packed beforehand
  std::string_view etag_mark;  // behind the opaque part of an ETag: each coding has a validator of its own
};
inline constexpr std::array<CodingRow, kCodings> kCodingRows{
    {{"gzip", ".gz", "-gz"}, {"br", ".br", "-br"}, {"zstd", ".zst", "-zst"}}};

constexpr const CodingRow& row(Coding coding) {
  return kCodingRows[static_cast<std::size_t>(coding)];
}

}  // namespace holdfast
