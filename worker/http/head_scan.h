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

constexpr int kBitsPerByte = 1;

/// One bit for each of the sixteen bytes from `at`, the first one's lowest: set where it is a control.
inline std::uint64_t control_bits(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // Unsigned "at most 0x1f": the smaller of both is the byte itself.
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

#elif defined(__aarch64__)

constexpr int kBitsPerByte = 4;

/// One bit of the four for each of the sixteen bytes from `at`, in order: set where it is a control.
inline std::uint64_t control_bits(const char* at) {
  const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
  const uint8x16_t tab = vceqq_u8(bytes, vdupq_n_u8('\t'));
  const uint8x16_t low = vbicq_u8(vcltq_u8(bytes, vdupq_n_u8(0x20)), tab);
  const uint8x16_t bad = vorrq_u8(low, vceqq_u8(bytes, vdupq_n_u8(0x7f)));
  const std::uint64_t all = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(bad), 4)), 0);
  return all & 0x1111111111111111;
}

#endif

/// Calls `visit(place)` for each control byte of [at, end), in order, until it says stop (true) or there is no
/// more. Reads nothing outside of them.
template <class Visit>
void visit_controls(const char* at, const char* end, Visit visit) {
#if defined(__SSE2__) || defined(__aarch64__)
  constexpr std::ptrdiff_t kStep = 16;
  if (end - at >= kStep) {
    for (const char* last = end - kStep;; at += kStep) {
      // The last step looks back over bytes that were seen, rather than at single ones.
      const std::ptrdiff_t seen = at > last ? at - last : 0;
      std::uint64_t bits = control_bits(at - seen) >> (seen * kBitsPerByte);
      for (; bits != 0; bits &= bits - 1)
        if (visit(at + std::countr_zero(bits) / kBitsPerByte)) return;
      if (at + kStep - seen >= end) return;
    }
  }
#endif
  while ((at = find_control_bytewise(at, end)) != end)
    if (visit(at++)) return;
}

/// The first control byte of [at, end), or `end`.
inline const char* find_control(const char* at, const char* end) {
  const char* found = end;
  visit_controls(at, end, [&found](const char* place) { return found = place, true; });
  return found;
}

}  // namespace holdfast::http
