// Resumable parser of the frames that a client sends to a server (RFC 6455 sections 5, 7.4 and 8.1; RFC 7692
// section 6). Takes its input in any cut, unmasks it in place and tells what it means, piece by piece: payload
// of data messages is never kept here, however long they are. No sockets, no timers, no allocation.
//
//      +--> Head --> Begin --> Payload --> End --+     a frame; Begin and End are where events are told
//      |                                         |
//      +-----------------------------------------+--> Closed (a close frame came)    any state --> Failed
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "worker/websocket/frame.h"
#include "worker/websocket/masking.h"
#include "worker/websocket/utf8_checker.h"

namespace holdfast::websocket {

/// What a parser tells its owner, in the order of the wire. The functions that answer bool may stop the parser
/// with false: parse() returns at once, and the next call goes on right behind that event. Views end with the
/// call. No event may call the parser.
class FrameEvents {
 public:
  virtual ~FrameEvents() = default;
  /// The first frame of a data message has begun. `compressed`: its data are to be inflated (RFC 7692
  /// section 6.2).
  virtual bool on_message_begin(MessageKind kind, bool compressed) = 0;
  /// The next piece of the message's data, never empty, of any number of frames. That of a text that is not
  /// compressed is valid UTF-8 so far; a piece may end inside of a character.
  virtual bool on_message_data(std::span<const std::byte> piece) = 0;
  /// The message is complete.
  virtual bool on_message_end() = 0;
  /// Control frames, also in the middle of a message. At most kMostControlPayload bytes.
  virtual bool on_ping(std::span<const std::byte> payload) = 0;
  virtual bool on_pong(std::span<const std::byte> payload) = 0;
  /// The last event. `code`: nothing when the frame had none (RFC 6455 section 7.1.5), else one that may be
  /// sent; `reason` is valid UTF-8.
  virtual void on_close(std::optional<std::uint16_t> code, std::string_view reason) = 0;
};

class FrameParser {
 public:
  struct Settings {
    std::uint64_t most_message = UINT64_MAX;  // bytes of one data message, all its frames together
    bool compression = false;                 // permessage-deflate was agreed
  };
  /// What to close the connection with. `reason` lives as long as the program.
  struct Failure {
    CloseCode code;
    std::string_view reason;

    bool operator==(const Failure&) const = default;
  };
  struct Step {
    std::size_t consumed = 0;  // bytes of the input that must not be given again
    bool paused = false;       // an event has stopped the parser; call again, if need be with empty input
    std::optional<Failure> failure;
  };

  explicit FrameParser(Settings settings) : settings_(settings) {}

  /// Parses until the input is used up, an event stops it, a close frame was told, or a rule is broken. Input
  /// may be changed as far as it was consumed. After a close frame nothing is consumed any more; after a
  /// failure neither, and the failure is repeated.
  Step parse(std::span<std::byte> input, FrameEvents& events);
  /// A close frame was told.
  bool closed() const { return state_ == State::Closed; }
  /// A data message has begun and has not ended.
  bool in_message() const { return in_message_; }
  /// Not a byte of an unfinished frame has been seen.
  bool between_frames() const { return state_ == State::Head && head_size_ == 0; }

 private:
  enum class State : std::uint8_t { Head, Begin, Payload, End, Closed, Failed };

  std::size_t take_head(std::span<const std::byte> input);
  bool take_head_byte(std::uint8_t byte);
  bool check_first_byte(std::uint8_t byte);
  bool check_message_order();
  bool check_second_byte(std::uint8_t byte);
  bool check_length();
  bool begin_frame(FrameEvents& events);
  bool take_payload(std::span<std::byte> input, FrameEvents& events);
  bool take_control_payload(std::span<const std::byte> input);
  bool end_frame(FrameEvents& events);
  bool end_control_frame(FrameEvents& events);
  bool tell_close(FrameEvents& events);
  bool fail(CloseCode code, std::string_view reason);
  std::uint64_t most_on_wire() const;

  const Settings settings_;
  std::optional<Failure> failure_;
  std::uint64_t left_ = 0;           // of the current frame's payload
  std::uint64_t message_bytes_ = 0;  // announced by the current message's frames so far
  std::uint64_t taken_ = 0;          // of the current frame's payload
  MaskingKey key_{};
  Utf8Checker utf8_;  // of texts that are not compressed; each of them leaves it complete
  State state_ = State::Head;
  Opcode opcode_ = Opcode::Continuation;  // of the current frame
  MessageKind kind_ = MessageKind::Binary;
  bool final_ = false;
  bool in_message_ = false;
  bool compressed_ = false;     // the current message
  std::uint8_t head_size_ = 0;  // bytes in head_
  std::uint8_t head_full_ = 2;  // bytes that the current head has, as far as is known
  std::array<std::uint8_t, kMostClientHead> head_{};
  std::array<std::byte, kMostControlPayload> control_{};
};

}  // namespace holdfast::websocket
