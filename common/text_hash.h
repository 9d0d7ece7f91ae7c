// A fast hash of short texts for tables whose keys come from configuration or from files on disk. Not meant for
// tables that a peer can fill with keys of its choice: it is not secret.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast {

namespace text_hash_detail {

inline std::uint64_t load8(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

inline std::uint64_t load4(const char* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Both halves of the 128-bit product folded together: every input bit reaches every output bit.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The last 1 to 16 bytes as two words; loads may overlap, so that no length needs a loop.
inline std::uint64_t mix_tail(const char* at, std::size_t size, std::uint64_t state) {
  constexpr std::uint64_t kTail = 0xd6e8feb86659fd93;
  if (size > 8) return mix(load8(at) ^ kTail, load8(at + size - 8) ^ state);
  if (size >= 4) return mix(load4(at) ^ kTail, load4(at + size - 4) ^ state);
  const auto first = static_cast<unsigned char>(at[0]);
  const auto middle = static_cast<unsigned char>(at[size / 2]);
  const auto last = static_cast<unsigned char>(at[size - 1]);
  return mix((static_cast<std::uint64_t>(first) << 16 | static_cast<std::uint64_t>(middle) << 8 | last) ^ kTail,
             state);
}

}  // namespace text_hash_detail

/// 64 well mixed bits of `text`; `seed` separates tables and scopes.
inline std::uint64_t text_hash(std::string_view text, std::uint64_t seed = 0) {
  using namespace text_hash_detail;
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::uint64_t state = mix(seed ^ kOdd, 0xa0761d6478bd642f ^ text.size());
  const char* at = text.data();
  std::size_t left = text.size();
  while (left > 16) {
    state = mix(load8(at) ^ kOdd, load8(at + 8) ^ state);
    at += 16;
    left -= 16;
  }
  return left == 0 ? mix(state, kOdd) : mix_tail(at, left, state);
}

}  // namespace holdfast
