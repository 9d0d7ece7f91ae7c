// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret, for tables that a peer can fill with keys
// of its choice. Without the secret nobody can tell which keys share a place.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/result.h"

namespace holdfast {

struct HashSecret {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  /// 128 bits from the kernel.
  static Result<HashSecret> random();
};

namespace keyed_hash_detail {

struct State {
  std::uint64_t a, b, c, d;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  }
  void take(std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  }
};

}  // namespace keyed_hash_detail

/// 64 bits of `text` that only the owner of the secret can foretell.
inline std::uint64_t keyed_hash(const HashSecret& secret, std::string_view text) {
  static_assert(std::endian::native == std::endian::little);
  keyed_hash_detail::State state{secret.first ^ 0x736f6d6570736575, secret.second ^ 0x646f72616e646f6d,
                                 secret.first ^ 0x6c7967656e657261, secret.second ^ 0x7465646279746573};
  const std::uint64_t length = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    state.take(word);
  }
  std::uint64_t last = 0;
  if (!text.empty()) std::memcpy(&last, text.data(), text.size());
  state.take(last | length << 56);
  state.c ^= 0xff;
  state.rounds(4);
  return state.a ^ state.b ^ state.c ^ state.d;
}

/// A secret of its own for each `purpose`: equal keys of different purposes have nothing in common.
inline HashSecret secret_for(const HashSecret& secret, std::string_view purpose) {
  return {keyed_hash(secret, purpose), keyed_hash({secret.second, secret.first}, purpose)};
}

}  // namespace holdfast
