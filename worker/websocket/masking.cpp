#include "worker/websocket/masking.h"

#include <cstdint>
#include <cstring>

namespace holdfast::websocket {

void unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase) {
  // The key as it meets the first byte, twice: the order in memory is that of the payload, whatever the
  // machine's.
  std::array<std::byte, 8> turned;
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(phase + i) % 4];
  std::uint64_t word = 0;
  std::memcpy(&word, turned.data(), sizeof word);

  std::size_t at = 0;
  for (; bytes.size() - at >= sizeof word; at += sizeof word) {
    std::uint64_t part = 0;
    std::memcpy(&part, bytes.data() + at, sizeof part);
    part ^= word;
    std::memcpy(bytes.data() + at, &part, sizeof part);
  }
  for (std::size_t i = 0; at < bytes.size(); ++at, ++i) bytes[at] ^= turned[i];
}

}  // namespace holdfast::websocket
