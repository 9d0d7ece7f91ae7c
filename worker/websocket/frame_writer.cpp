#include "worker/websocket/frame_writer.h"

#include <cassert>
#include <cstring>

namespace holdfast::websocket {
namespace {

void append_big_endian(FrameHead& head, std::uint64_t value, unsigned bytes) {
  while (bytes-- > 0) head.bytes[head.size++] = static_cast<std::byte>(value >> (8 * bytes));
}

std::string_view cut_reason(std::string_view reason) {
  if (reason.size() <= kMostCloseReason) return reason;
  std::size_t end = kMostCloseReason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
  return reason.substr(0, end);
}

}  // namespace

FrameHead write_frame_head(FrameShape shape, std::uint64_t payload) {
  assert(payload >> 63 == 0);
  FrameHead head;
  head.bytes[0] = static_cast<std::byte>(static_cast<unsigned>(shape.opcode) | (shape.final ? kFinalBit : 0u) |
                                         (shape.compressed ? kCompressedBit : 0u));
  head.size = 2;
  if (payload < kLength16) {
    head.bytes[1] = static_cast<std::byte>(payload);
  } else if (payload <= UINT16_MAX) {
    head.bytes[1] = std::byte{kLength16};
    append_big_endian(head, payload, 2);
  } else {
    head.bytes[1] = std::byte{kLength64};
    append_big_endian(head, payload, 8);
  }
  return head;
}

ControlFrame write_control_frame(Opcode opcode, std::span<const std::byte> payload) {
  assert(is_control(opcode) && payload.size() <= kMostControlPayload);
  ControlFrame frame;
  frame.bytes[0] = static_cast<std::byte>(static_cast<unsigned>(opcode) | kFinalBit);
  frame.bytes[1] = static_cast<std::byte>(payload.size());
  if (!payload.empty()) std::memcpy(frame.bytes.data() + 2, payload.data(), payload.size());
  frame.size = 2 + payload.size();
  return frame;
}

ControlFrame write_close_frame(CloseCode code, std::string_view reason) {
  if (code == CloseCode::NoStatus) return write_control_frame(Opcode::Close, {});
  const auto number = static_cast<std::uint16_t>(code);
  assert(may_be_sent(number));
  reason = cut_reason(reason);
  std::array<std::byte, kMostControlPayload> payload;
  payload[0] = static_cast<std::byte>(number >> 8);
  payload[1] = static_cast<std::byte>(number & 0xff);
  if (!reason.empty()) std::memcpy(payload.data() + 2, reason.data(), reason.size());
  return write_control_frame(Opcode::Close, {payload.data(), 2 + reason.size()});
}

}  // namespace holdfast::websocket
