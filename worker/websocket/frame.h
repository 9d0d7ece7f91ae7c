// The numbers of WebSocket frames: opcodes, lengths, close codes (RFC 6455 sections 5.2, 5.5, 7.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/api/websocket.h"

namespace holdfast::websocket {

/// RFC 6455 section 5.2. The other ten values are reserved.
enum class Opcode : std::uint8_t {
  Continuation = 0x0,
  Text = 0x1,
  Binary = 0x2,
  Close = 0x8,
  Ping = 0x9,
  Pong = 0xa
};

constexpr bool is_known_opcode(std::uint8_t value) {
  return value <= 0x2 || (value >= 0x8 && value <= 0xa);
}
/// Control frames (RFC 6455 section 5.5) are never fragmented and never long.
constexpr bool is_control(Opcode opcode) {
  return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

using api::MessageKind;

// The two first bytes of a frame (RFC 6455 section 5.2).
inline constexpr std::uint8_t kFinalBit = 0x80;
inline constexpr std::uint8_t kCompressedBit = 0x40;  // RSV1, as RFC 7692 section 6 uses it
inline constexpr std::uint8_t kOtherReservedBits = 0x30;
inline constexpr std::uint8_t kOpcodeBits = 0x0f;
inline constexpr std::uint8_t kMaskBit = 0x80;
inline constexpr std::uint8_t kLengthBits = 0x7f;
inline constexpr std::uint8_t kLength16 = 126;  // the length stands in the next two bytes
inline constexpr std::uint8_t kLength64 = 127;  // ... in the next eight

inline constexpr std::size_t kMostControlPayload = 125;
inline constexpr std::size_t kMostServerHead = 10;                        // bytes of a head without masking key
inline constexpr std::size_t kMostClientHead = 14;                        // ... with it
inline constexpr std::size_t kMostCloseReason = kMostControlPayload - 2;  // bytes behind the code

/// RFC 6455 section 7.4.1 and the registry that it opened. NoStatus, Abnormal and TlsHandshake are only what an
/// endpoint says to its own application.
enum class CloseCode : std::uint16_t {
  Normal = 1000,
  GoingAway = 1001,
  ProtocolError = 1002,
  UnsupportedData = 1003,
  NoStatus = 1005,
  Abnormal = 1006,
  InvalidPayload = 1007,
  PolicyViolation = 1008,
  MessageTooBig = 1009,
  MandatoryExtension = 1010,  // a client's word; a server refuses in the handshake instead
  InternalError = 1011,
  ServiceRestart = 1012,
  TryAgainLater = 1013,
  BadGateway = 1014,
  TlsHandshake = 1015
};

/// A close frame may carry this code: those that are defined, but for the three that stay inside of an
/// endpoint, and 3000-4999 of libraries and applications (RFC 6455 section 7.4.2).
constexpr bool may_be_sent(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace holdfast::websocket
