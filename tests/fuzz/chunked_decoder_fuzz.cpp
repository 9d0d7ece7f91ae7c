// Chunked bodies: the same data, end and refusal however the bytes arrive and however little may be given at a
// time.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "worker/http/chunked_decoder.h"

namespace {

using holdfast::http::ChunkedDecoder;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Decoded {
  std::string data;
  std::size_t consumed = 0;
  bool done = false;
  std::optional<holdfast::stats::BadRequest> refused;

  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::span<const std::byte> input, std::size_t step, std::size_t most) {
  ChunkedDecoder decoder;
  Decoded decoded;
  while (decoded.consumed < input.size() && !decoded.done && !decoded.refused) {
    const std::size_t size = std::min(step, input.size() - decoded.consumed);
    // A block of its own size, so that a read beyond it is found.
    const std::vector<std::byte> piece(input.begin() + static_cast<std::ptrdiff_t>(decoded.consumed),
                                       input.begin() + static_cast<std::ptrdiff_t>(decoded.consumed + size));
    const ChunkedDecoder::Step taken = decoder.decode(piece, most);
    require(taken.consumed <= piece.size() && taken.data.size() <= most && taken.data.size() <= taken.consumed);
    require(taken.consumed > 0 || taken.refused);
    decoded.data.append(reinterpret_cast<const char*>(taken.data.data()), taken.data.size());
    decoded.consumed += taken.consumed;
    decoded.done = taken.done;
    decoded.refused = taken.refused;
  }
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::byte> input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const Decoded whole = decode(input, SIZE_MAX, SIZE_MAX);
  require(decode(input, 1 + data[0] % 16, 1 + data[0] / 16) == whole);
  require(!whole.done || whole.data.size() + 5 <= whole.consumed);
  return 0;
}
