// How many bytes at the front of a text are ASCII: what most text is, and needs no other check. Sixteen bytes
// at a time where the processor can (SSE2, NEON), one at a time elsewhere, with the same results.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace holdfast::websocket {

/// One byte at a time: the fall-back, and what the others are tested against.
inline std::size_t ascii_run_bytewise(std::span<const std::byte> text, std::size_t from = 0) {
  while (from < text.size() && text[from] < std::byte{0x80}) ++from;
  return from;
}

#if defined(__SSE2__)

/// Index of the first byte above 0x7f, or the size of the text. Reads nothing beyond its end.
inline std::size_t ascii_run(std::span<const std::byte> text) {
  std::size_t at = 0;
  for (; text.size() - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (high != 0) return at + static_cast<std::size_t>(std::countr_zero(high));
  }
  return ascii_run_bytewise(text, at);
}

#elif defined(__aarch64__)

/// Index of the first byte above 0x7f, or the size of the text. Reads nothing beyond its end.
inline std::size_t ascii_run(std::span<const std::byte> text) {
  std::size_t at = 0;
  for (; text.size() - at >= 16; at += 16) {
    const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const std::uint8_t*>(text.data() + at));
    if (vmaxvq_u8(bytes) >= 0x80) break;
  }
  return ascii_run_bytewise(text, at);
}

#else

/// Index of the first byte above 0x7f, or the size of the text.
inline std::size_t ascii_run(std::span<const std::byte> text) {
  return ascii_run_bytewise(text);
}

#endif

}  // namespace holdfast::websocket
