// What HTTP/2 frames are made of (RFC 9113 sections 4, 6 and 7): names, numbers, and the nine bytes that each
// begins with. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::http2 {

/// RFC 9113 section 7.
enum class ErrorCode : std::uint32_t {
  NoError = 0,
  ProtocolError = 1,
  InternalError = 2,
  FlowControlError = 3,
  StreamClosed = 5,
  FrameSizeError = 6,
  RefusedStream = 7,
  Cancel = 8,
  CompressionError = 9,
  EnhanceYourCalm = 11
};

enum class FrameType : std::uint8_t {
  Data = 0,
  Headers = 1,
  Priority = 2,
  Reset = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
  PriorityUpdate = 16  // RFC 9218 section 7.1
};

/// RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1.
enum class Setting : std::uint16_t {
  HeaderTableSize = 1,
  EnablePush = 2,
  MaxConcurrentStreams = 3,
  InitialWindowSize = 4,
  MaxFrameSize = 5,
  MaxHeaderListSize = 6,
  EnableConnectProtocol = 8,
  NoRfc7540Priorities = 9
};

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
inline constexpr std::size_t kFrameHead = 9;
inline constexpr std::size_t kMostPayload = 16'384;  // what we take, and what everybody takes
inline constexpr std::size_t kSettingSize = 6;
inline constexpr std::int64_t kLargestWindow = 0x7fff'ffff;
inline constexpr std::int32_t kFirstWindow = 65'535;  // of a stream and of a connection, RFC 9113 section 6.9.2
inline constexpr std::uint32_t kStreamBits = 0x7fff'ffff;
inline constexpr std::size_t kFieldOverhead =
    32;  // of a field in the size of its section, RFC 9113 section 6.5.2

namespace flags {
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kPriority = 0x20;
}  // namespace flags

/// A frame's head (RFC 9113 section 4.1).
struct FrameHead {
  FrameType type{};  // may be one that has no name here
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
  std::size_t length = 0;  // of what follows the head

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  /// END_STREAM.
  bool ends() const {
    return (type == FrameType::Data || type == FrameType::Headers) && has(flags::kEndStream);
  }
  bool acknowledges() const {
    return (type == FrameType::Settings || type == FrameType::Ping) && has(flags::kAck);
  }
};

/// `bytes` hold at least so many as are read or written; numbers are big-endian.
inline std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return number;
}

inline void put_number(std::span<std::byte> bytes, std::size_t at, std::size_t size, std::uint32_t number) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::byte>(number >> (8 * (size - 1 - i)));
}

inline FrameHead read_head(std::span<const std::byte> bytes) {
  return {static_cast<FrameType>(bytes[3]), std::to_integer<std::uint8_t>(bytes[4]),
          static_cast<std::int32_t>(number_at(bytes, 5, 4) & kStreamBits), number_at(bytes, 0, 3)};
}

inline void put_head(std::span<std::byte> bytes, const FrameHead& head) {
  put_number(bytes, 0, 3, static_cast<std::uint32_t>(head.length));
  bytes[3] = static_cast<std::byte>(head.type);
  bytes[4] = std::byte{head.flags};
  put_number(bytes, 5, 4, static_cast<std::uint32_t>(head.stream));
}

}  // namespace holdfast::http2
