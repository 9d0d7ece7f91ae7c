#include "worker/http2/huffman.h"

#include <array>

namespace holdfast::http2 {
namespace {

// How many bits each byte takes. The codes follow from it: shorter ones come first, those of one length are in
// the order of their bytes, and each is one more than the one before.
constexpr std::array<std::uint8_t, 256> kBits = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
};

constexpr std::array<std::uint32_t, 256> codes_of(const std::array<std::uint8_t, 256>& bits) {
  constexpr unsigned kLongest = 30;
  std::array<std::uint32_t, 256> codes{};
  std::uint32_t next = 0;
  for (unsigned length = 1; length <= kLongest; ++length, next <<= 1)
    for (std::size_t c = 0; c < bits.size(); ++c)
      if (bits[c] == length) codes[c] = next++;
  return codes;
}
constexpr std::array<std::uint32_t, 256> kCodes = codes_of(kBits);
static_assert(kCodes['0'] == 0 && kCodes['&'] == 0xf8 && kCodes[0x16] == 0x3ffffffe);

}  // namespace

std::size_t huffman_size(std::string_view text) {
  std::size_t bits = 0;
  for (const char c : text) bits += kBits[static_cast<unsigned char>(c)];
  return (bits + 7) / 8;
}

std::uint8_t* huffman_put(std::string_view text, std::uint8_t* out) {
  std::uint64_t word = 0;  // its lowest `held` bits are still to be written, fewer than eight between two bytes
  unsigned held = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    word = word << kBits[byte] | kCodes[byte];
    held += kBits[byte];
    for (; held >= 8; held -= 8) *out++ = static_cast<std::uint8_t>(word >> (held - 8));
  }
  // RFC 7541 section 5.2: with the first bits of the end's code, which are ones.
  if (held > 0) *out++ = static_cast<std::uint8_t>(word << (8 - held) | 0xffU >> held);
  return out;
}

}  // namespace holdfast::http2
