#include "worker/websocket/frame_parser.h"

#include <algorithm>
#include <cstring>

namespace holdfast::websocket {
namespace {

constexpr std::uint8_t kKeyBytes = 4;

}  // namespace

bool FrameParser::fail(CloseCode code, std::string_view reason) {
  failure_ = Failure{code, reason};
  state_ = State::Failed;
  return true;  // no event has paused: parse() goes on to its end
}

// Data that deflate cannot make smaller becomes a little larger: a message at the limit must come through. What
// it inflates to is counted by who inflates.
std::uint64_t FrameParser::most_on_wire() const {
  const std::uint64_t most = settings_.most_message;
  if (!compressed_ || most > UINT64_MAX / 2) return most;
  return most + most / 8 + 64;
}

bool FrameParser::check_message_order() {
  if (opcode_ == Opcode::Continuation)
    return in_message_ || !fail(CloseCode::ProtocolError, "continuation of nothing");
  return !in_message_ || !fail(CloseCode::ProtocolError, "message inside of a message");
}

bool FrameParser::check_first_byte(std::uint8_t byte) {
  const bool compressed = (byte & kCompressedBit) != 0;
  const auto opcode = static_cast<std::uint8_t>(byte & kOpcodeBits);
  final_ = (byte & kFinalBit) != 0;
  if ((byte & kOtherReservedBits) != 0 || (compressed && !settings_.compression))
    return !fail(CloseCode::ProtocolError, "reserved bit");
  if (!is_known_opcode(opcode)) return !fail(CloseCode::ProtocolError, "reserved opcode");
  opcode_ = static_cast<Opcode>(opcode);
  if (compressed && (is_control(opcode_) || opcode_ == Opcode::Continuation))
    return !fail(CloseCode::ProtocolError, "compressed bit on this frame");
  if (is_control(opcode_)) return final_ || !fail(CloseCode::ProtocolError, "fragmented control frame");
  if (!check_message_order()) return false;
  if (opcode_ != Opcode::Continuation) {
    compressed_ = compressed;
    message_bytes_ = 0;
  }
  return true;
}

bool FrameParser::check_second_byte(std::uint8_t byte) {
  const auto length = static_cast<std::uint8_t>(byte & kLengthBits);
  if ((byte & kMaskBit) == 0) return !fail(CloseCode::ProtocolError, "unmasked frame");
  if (is_control(opcode_) && length > kMostControlPayload)
    return !fail(CloseCode::ProtocolError, "long control frame");
  if (opcode_ == Opcode::Close && length == 1) return !fail(CloseCode::ProtocolError, "close code cut short");
  const int extended = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
  head_full_ = static_cast<std::uint8_t>(2 + extended + kKeyBytes);
  return extended != 0 || check_length();
}

// All bytes of the length are in head_. The limit is looked at before any of the payload comes.
bool FrameParser::check_length() {
  const std::size_t end = head_full_ - kKeyBytes;
  std::uint64_t length = head_[1] & kLengthBits;
  if (end > 2) {
    length = 0;
    for (std::size_t i = 2; i < end; ++i) length = length << 8 | head_[i];
    if (length >> 63 != 0) return !fail(CloseCode::ProtocolError, "length beyond 63 bits");
    if (length <= (end == 4 ? std::uint64_t{kLength16} - 1 : UINT16_MAX))
      return !fail(CloseCode::ProtocolError, "length not in its shortest form");
  }
  if (!is_control(opcode_)) {
    if (length > most_on_wire() - message_bytes_)
      return !fail(CloseCode::MessageTooBig, "message above the limit");
    message_bytes_ += length;
  }
  left_ = length;
  return true;
}

bool FrameParser::take_head_byte(std::uint8_t byte) {
  head_[head_size_++] = byte;
  if (head_size_ == 1) return check_first_byte(byte);
  if (head_size_ == 2) return check_second_byte(byte);
  if (head_size_ == head_full_ - kKeyBytes && !check_length()) return false;
  if (head_size_ < head_full_) return true;
  for (std::size_t i = 0; i < key_.size(); ++i)
    key_[i] = static_cast<std::byte>(head_[head_full_ - kKeyBytes + i]);
  head_size_ = 0;
  head_full_ = 2;
  taken_ = 0;
  state_ = State::Begin;
  return true;
}

std::size_t FrameParser::take_head(std::span<const std::byte> input) {
  std::size_t at = 0;
  while (at < input.size() && state_ == State::Head)
    if (!take_head_byte(static_cast<std::uint8_t>(input[at++]))) break;
  return at;
}

bool FrameParser::begin_frame(FrameEvents& events) {
  state_ = left_ == 0 ? State::End : State::Payload;
  if (is_control(opcode_) || opcode_ == Opcode::Continuation) return true;
  kind_ = opcode_ == Opcode::Text ? MessageKind::Text : MessageKind::Binary;
  in_message_ = true;
  return events.on_message_begin(kind_, compressed_);
}

bool FrameParser::take_control_payload(std::span<const std::byte> input) {
  const std::span<std::byte> kept(control_.data() + taken_, input.size());
  std::memcpy(kept.data(), input.data(), input.size());
  unmask(kept, key_, static_cast<std::size_t>(taken_));
  taken_ += input.size();
  return true;
}

// `input` is not empty and belongs to the frame's payload as a whole.
bool FrameParser::take_payload(std::span<std::byte> input, FrameEvents& events) {
  left_ -= input.size();
  if (left_ == 0) state_ = State::End;
  if (is_control(opcode_)) return take_control_payload(input);
  unmask(input, key_, static_cast<std::size_t>(taken_ % 4));
  taken_ += input.size();
  if (kind_ == MessageKind::Text && !compressed_ && !utf8_.take(input))
    return fail(CloseCode::InvalidPayload, "text is not UTF-8");
  return events.on_message_data(input);
}

bool FrameParser::tell_close(FrameEvents& events) {
  if (taken_ == 0) {
    state_ = State::Closed;
    events.on_close(std::nullopt, {});
    return true;
  }
  const auto code =
      static_cast<std::uint16_t>(static_cast<unsigned>(control_[0]) << 8 | static_cast<unsigned>(control_[1]));
  const std::span<const std::byte> reason(control_.data() + 2, static_cast<std::size_t>(taken_) - 2);
  if (!may_be_sent(code)) return fail(CloseCode::ProtocolError, "close code that may not be sent");
  Utf8Checker utf8;
  if (!utf8.take(reason) || !utf8.complete())
    return fail(CloseCode::InvalidPayload, "close reason is not UTF-8");
  state_ = State::Closed;
  events.on_close(code, {reinterpret_cast<const char*>(reason.data()), reason.size()});
  return true;
}

bool FrameParser::end_control_frame(FrameEvents& events) {
  const std::span<const std::byte> payload(control_.data(), static_cast<std::size_t>(taken_));
  if (opcode_ == Opcode::Close) return tell_close(events);
  return opcode_ == Opcode::Ping ? events.on_ping(payload) : events.on_pong(payload);
}

bool FrameParser::end_frame(FrameEvents& events) {
  state_ = State::Head;
  if (is_control(opcode_)) return end_control_frame(events);
  if (!final_) return true;
  if (kind_ == MessageKind::Text && !compressed_ && !utf8_.complete())
    return fail(CloseCode::InvalidPayload, "text ends inside of a character");
  in_message_ = false;
  return events.on_message_end();
}

FrameParser::Step FrameParser::parse(std::span<std::byte> input, FrameEvents& events) {
  Step step;
  while (!step.paused) {
    const std::span<std::byte> rest = input.subspan(step.consumed);
    switch (state_) {
      case State::Head:
        if (rest.empty()) return step;
        step.consumed += take_head(rest);
        break;
      case State::Begin:
        step.paused = !begin_frame(events);
        break;
      case State::Payload: {
        if (rest.empty()) return step;
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
        step.consumed += part;
        step.paused = !take_payload(rest.first(part), events);
        break;
      }
      case State::End:
        step.paused = !end_frame(events);
        break;
      case State::Closed:
        return step;
      case State::Failed:
        step.failure = failure_;
        return step;
    }
  }
  return step;
}

}  // namespace holdfast::websocket
