// Frames as a client writes them, right and wrong, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::websocket {

inline constexpr unsigned kFinal = 0x80;
inline constexpr std::string_view kKey = "\x37\xfa\x21\x3d";  // of the examples in RFC 6455 section 5.7

inline std::string masked(std::string_view payload, std::string_view key = kKey) {
  std::string bytes(payload);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ key[i % 4]);
  return bytes;
}

/// The length in the form of 7, 16 or 64 bits, whether or not it is the shortest.
inline std::string client_head(unsigned first, unsigned form, std::uint64_t length,
                               std::string_view key = kKey) {
  std::string bytes(1, static_cast<char>(first));
  const unsigned extended = form == 7 ? 0 : form / 8;
  bytes += static_cast<char>(0x80 | (form == 7 ? length : form == 16 ? 126 : 127));
  for (unsigned i = extended; i-- > 0;) bytes += static_cast<char>(length >> (8 * i));
  return bytes + std::string(key);
}

inline std::string client_frame(unsigned first, std::string_view payload, std::string_view key = kKey) {
  const unsigned form = payload.size() < 126 ? 7 : payload.size() < 65'536 ? 16 : 64;
  return client_head(first, form, payload.size(), key) + masked(payload, key);
}

inline std::string text_frame(std::string_view payload) {
  return client_frame(kFinal | 0x1, payload);
}
inline std::string binary_frame(std::string_view payload) {
  return client_frame(kFinal | 0x2, payload);
}
inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason);
}
inline std::string close_frame(unsigned code, std::string_view reason = {}) {
  return client_frame(kFinal | 0x8, close_payload(code, reason));
}

}  // namespace holdfast::websocket
