// Writes what a server puts around payloads: frame heads (never masked, RFC 6455 section 5.1) and whole control
// frames. Everything is returned by value in an array of fixed size; nothing is allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "worker/websocket/frame.h"

namespace holdfast::websocket {

struct FrameHead {
  std::array<std::byte, kMostServerHead> bytes{};
  std::size_t size = 0;

  /// Lives as long as this object.
  std::span<const std::byte> view() const { return {bytes.data(), size}; }
};

struct FrameShape {
  Opcode opcode = Opcode::Binary;
  bool final = true;
  bool compressed = false;  // only on the first frame of a data message (RFC 7692 section 6)
};

/// The head of a frame with `payload` bytes behind it (below 2^63), its length in the shortest form (RFC 6455
/// section 5.2).
FrameHead write_frame_head(FrameShape shape, std::uint64_t payload);

struct ControlFrame {
  std::array<std::byte, 2 + kMostControlPayload> bytes{};
  std::size_t size = 0;

  /// Lives as long as this object.
  std::span<const std::byte> view() const { return {bytes.data(), size}; }
};

/// A whole ping or pong (RFC 6455 sections 5.5.2, 5.5.3). `payload`: at most kMostControlPayload bytes, copied.
ControlFrame write_control_frame(Opcode opcode, std::span<const std::byte> payload);

/// A whole close frame (RFC 6455 section 5.5.1). `code` is one that may be sent, or NoStatus: then the frame is
/// empty and `reason` is left out. `reason` is UTF-8; what exceeds kMostCloseReason is cut off between two
/// characters.
ControlFrame write_close_frame(CloseCode code, std::string_view reason);

}  // namespace holdfast::websocket
