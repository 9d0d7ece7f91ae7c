// Finds the control bytes of a message head: what ends its lines, and what must not be in it. Sixteen bytes at
// a time where the processor can (SSE2, NEON), one at a time elsewhere, with the same results.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace holdfast::http {

/// CTL of RFC 5234 but for HTAB, which field values may contain (RFC 9110 section 5.5).
constexpr bool is_control(unsigned char c) {
  return (c < 0x20 && c != '\t') || c == 0x7f;
}

/// One byte at a time: the fall-back, and what the others are tested against.
inline const char* find_control_bytewise(const char* at, const char* end) {
  while (at != end && !is_control(static_cast<unsigned char>(*at))) ++at;
  return at;
}

#if defined(__SSE2__)

/// The first control byte of [at, end), or `end`. Reads nothing beyond `end`.
inline const char* find_control(const char* at, const char* end) {
  const __m128i highest = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Unsigned "at most 0x1f": the smaller of both is the byte itself.
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, highest), bytes);
    const __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad));
    if (mask != 0) return at + std::countr_zero(mask);
  }
  return find_control_bytewise(at, end);
}

#elif defined(__aarch64__)

/// The first control byte of [at, end), or `end`. Reads nothing beyond `end`.
inline const char* find_control(const char* at, const char* end) {
  const uint8x16_t space = vdupq_n_u8(0x20);
  const uint8x16_t tab = vdupq_n_u8('\t');
  const uint8x16_t del = vdupq_n_u8(0x7f);
  for (; end - at >= 16; at += 16) {
    const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
    const uint8x16_t low = vbicq_u8(vcltq_u8(bytes, space), vceqq_u8(bytes, tab));
    const uint8x16_t bad = vorrq_u8(low, vceqq_u8(bytes, del));
    // Four bits a byte, in order.
    const std::uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(bad), 4)), 0);
    if (mask != 0) return at + std::countr_zero(mask) / 4;
  }
  return find_control_bytewise(at, end);
}

#else

/// The first control byte of [at, end), or `end`.
inline const char* find_control(const char* at, const char* end) {
  return find_control_bytewise(at, end);
}

#endif

}  // namespace holdfast::http
