// The compression libraries, each behind the Encoder interface; made by name in encoder.cpp.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/filters/encoder.h"

namespace holdfast::filters {

enum class Effort : std::uint8_t {
  Stream,  // between two reads of a client
  Once     // for content that is kept
};

/// `level` 1 to 9.
std::unique_ptr<Encoder> make_gzip(int level);
bool has_brotli();
std::unique_ptr<Encoder> make_brotli(Effort effort);
bool has_zstd();
std::unique_ptr<Encoder> make_zstd(Effort effort);

}  // namespace holdfast::filters
