// What the peer's frames do to streams and windows; RFC 9113 sections 5 and 6.
#include <algorithm>
#include <utility>

#include "worker/http2/frames.h"

namespace holdfast::http2 {

std::optional<std::size_t> Frames::receive(std::span<const std::byte> input) {
  begin();
  std::size_t at = 0;
  while (!over_) {
    const FrameReader::Step step = reader_.next(input.subspan(at));
    if (step.kind == FrameReader::Step::Kind::Incomplete) return at;
    if (step.kind == FrameReader::Step::Kind::NoPreface) return std::nullopt;
    at += step.taken;
    take(step);
  }
  return input.size();
}

void Frames::take(const FrameReader::Step& step) {
  switch (step.kind) {
    case FrameReader::Step::Kind::Begin:
      return begin_frame();
    case FrameReader::Step::Kind::Data:
      return take_data(step);
    case FrameReader::Step::Kind::Fields:
      return take_fields(step.piece, step.last);
    case FrameReader::Step::Kind::Payload:
      return take_payload(step.piece);
    case FrameReader::Step::Kind::Violation:
      return terminate(step.error);
    case FrameReader::Step::Kind::Passed:
    case FrameReader::Step::Kind::Incomplete:
    case FrameReader::Step::Kind::NoPreface:
      return;
  }
}

void Frames::begin_frame() {
  const FrameHead& head = reader_.head();
  if (!events_.on_frame_begin(head)) {
    over_ = true;
    return;
  }
  if (head.type == FrameType::Data) begin_data(head);
  if (head.type == FrameType::Headers) begin_section(head);
}

// ---- DATA

// RFC 9113 section 6.9: windows are for the whole payload, whatever becomes of it.
void Frames::begin_data(const FrameHead& head) {
  data_of_ = streams_.find(head.stream);
  if (data_of_ == nullptr && is_idle(head.stream)) return terminate(ErrorCode::ProtocolError);
  if (data_of_ != nullptr && data_of_->reset_due_) data_of_ = nullptr;
  if (data_of_ != nullptr && data_of_->remote_ended_) return terminate(ErrorCode::StreamClosed);
  received_ += static_cast<std::uint32_t>(head.length);
  if (received_ > announced_.window) return terminate(ErrorCode::FlowControlError);
  if (data_of_ == nullptr) return;
  data_of_->received_ += static_cast<std::int32_t>(head.length);
  if (data_of_->received_ <= kFirstWindow) return;
  reset(*data_of_, ErrorCode::FlowControlError);
  data_of_ = nullptr;
}

void Frames::take_data(const FrameReader::Step& step) {
  if (data_of_ != nullptr && data_of_->reset_due_) data_of_ = nullptr;
  if (data_of_ == nullptr) {
    give_credit(step.piece.size() + (step.last ? reader_.padding() : 0));
    return;
  }
  FrameStream& stream = *data_of_;
  stream.content_ += step.piece.size();
  stream.held_ += step.piece.size() + (step.last ? reader_.padding() : 0);
  if (stream.rules_.length() && stream.content_ > *stream.rules_.length()) {
    return reset(stream, ErrorCode::ProtocolError);  // RFC 9113 section 8.1.1
  }
  if (!step.piece.empty()) events_.on_data(stream, step.piece);
  if (!step.last) return;
  data_of_ = nullptr;
  if (reader_.padding() > 0) consume(stream, reader_.padding());
  if (reader_.head().ends() && !stream.reset_due_) end_request(stream);
}

void Frames::end_request(FrameStream& stream) {
  stream.remote_ended_ = true;
  if (stream.rules_.length() && stream.content_ != *stream.rules_.length())
    return reset(stream, ErrorCode::ProtocolError);
  events_.on_request_end(stream);
  if (stream.local_ended_ && !stream.end_untold_ && !stream.reset_due_) close(stream);
}

// ---- field sections

void Frames::begin_section(const FrameHead& head) {
  section_ = {nullptr, false, head.ends()};
  if (head.stream % 2 == 0) return terminate(ErrorCode::ProtocolError);
  if (FrameStream* const known = streams_.find(head.stream)) {
    if (known->reset_due_) return;
    if (known->remote_ended_) return terminate(ErrorCode::StreamClosed);
    // RFC 9113 section 8.1: what follows the content ends the message.
    if (!head.ends()) return reset(*known, ErrorCode::ProtocolError);
    section_.stream = known;
    section_.trailers = true;
    return;
  }
  // A closed stream, or one that came after our last word: unpacked all the same.
  if (head.stream <= newest_) return;
  newest_ = head.stream;
  if (said_goodbye_) return;
  looked_at_ = head.stream;
  const Opened opened = events_.on_request_begin(head.stream);
  if (opened.refused) {
    put_number(put({FrameType::Reset, 0, head.stream, 4}), 0, 4,
               static_cast<std::uint32_t>(ErrorCode::RefusedStream));
    return events_.on_our_reset(ErrorCode::RefusedStream);
  }
  if (opened.stream == nullptr) return;
  opened.stream->begin(head.stream, first_window_);
  streams_.add(*opened.stream);
  section_.stream = opened.stream;
}

void Frames::take_fields(std::span<const std::byte> piece, bool last) {
  std::string_view name;
  std::string_view value;
  while (true) {
    switch (decoder_.next(piece, last, name, value)) {
      case FieldDecoder::Step::Broken:
        return terminate(ErrorCode::CompressionError);
      case FieldDecoder::Step::More:
        if (last) end_section();
        return;
      case FieldDecoder::Step::Field:
        if (!events_.on_field_bytes(name.size() + value.size() + kFieldOverhead)) {
          over_ = true;
          return;
        }
        if (section_.stream != nullptr) take_field(name, value);
        break;
    }
  }
}

void Frames::take_field(std::string_view name, std::string_view value) {
  FrameStream& stream = *section_.stream;
  if (stream.reset_due_) return;
  if (section_.trailers) {
    if (RequestRules::is_trailer(name, value)) return events_.on_trailer(stream, name, value);
  } else if (stream.rules_.take(name, value)) {
    return events_.on_field(stream, name, value);
  }
  reset(stream, ErrorCode::ProtocolError);
}

void Frames::end_section() {
  FrameStream* const stream = std::exchange(section_.stream, nullptr);
  if (stream == nullptr || stream->reset_due_) return;
  if (section_.trailers) return end_request(*stream);
  const RequestRules& rules = stream->rules_;
  stream->remote_ended_ = section_.ends;
  const bool lacks_content = section_.ends && rules.length().value_or(0) > 0;
  if (!rules.complete() || lacks_content) return reset(*stream, ErrorCode::ProtocolError);
  turns_.set_priority(*stream, rules.priority());
  events_.on_request_head(*stream, section_.ends);
}

// ---- small frames

void Frames::take_payload(std::span<const std::byte> payload) {
  const FrameHead& head = reader_.head();
  switch (head.type) {
    case FrameType::Reset:
      return take_reset(head);
    case FrameType::Settings:
      return take_settings(head, payload);
    case FrameType::Ping:
      if (head.acknowledges()) return events_.on_pong();
      std::ranges::copy(payload, put({FrameType::Ping, flags::kAck, 0, payload.size()}).begin());
      return;
    case FrameType::GoAway:
      peer_leaves_ = true;
      return;
    case FrameType::WindowUpdate:
      return take_window_update(head, number_at(payload, 0, 4) & kStreamBits);
    case FrameType::PriorityUpdate:
      return take_priority_update(payload);
    case FrameType::Priority:  // of the trees of RFC 7540
    case FrameType::Data:
    case FrameType::Headers:
    case FrameType::PushPromise:
    case FrameType::Continuation:
      return;
  }
}

void Frames::take_reset(const FrameHead& head) {
  FrameStream* const stream = streams_.find(head.stream);
  if (stream == nullptr) {
    if (is_idle(head.stream)) terminate(ErrorCode::ProtocolError);
    return;
  }
  events_.on_reset(*stream);
  close(*stream);
}

void Frames::take_settings(const FrameHead& head, std::span<const std::byte> payload) {
  if (head.acknowledges()) {
    // RFC 9113 section 6.5.3: there is one to acknowledge.
    if (std::exchange(settings_acknowledged_, true)) terminate(ErrorCode::ProtocolError);
    return;
  }
  for (std::size_t at = 0; at < payload.size(); at += kSettingSize) {
    const auto setting = static_cast<Setting>(number_at(payload, at, 2));
    const ErrorCode error = apply(setting, number_at(payload, at + 2, 4));
    if (error != ErrorCode::NoError) return terminate(error);
  }
  put({FrameType::Settings, flags::kAck, 0, 0});
}

// RFC 9113 section 6.5.2. What is not named here changes nothing of what we do.
ErrorCode Frames::apply(Setting setting, std::uint32_t value) {
  switch (setting) {
    case Setting::HeaderTableSize:
      encoder_.set_table_size(value);
      return ErrorCode::NoError;
    case Setting::EnablePush:
    case Setting::NoRfc7540Priorities:
      return value <= 1 ? ErrorCode::NoError : ErrorCode::ProtocolError;
    case Setting::InitialWindowSize:
      if (value > kLargestWindow) return ErrorCode::FlowControlError;
      set_first_window(static_cast<std::int32_t>(value));
      return ErrorCode::NoError;
    case Setting::MaxFrameSize:
      return value >= kMostPayload && value < 1U << 24 ? ErrorCode::NoError : ErrorCode::ProtocolError;
    case Setting::EnableConnectProtocol:
      // RFC 8441 section 3: not to be taken back.
      if (value > 1 || (connect_enabled_ && value == 0)) return ErrorCode::ProtocolError;
      connect_enabled_ = value == 1;
      return ErrorCode::NoError;
    case Setting::MaxConcurrentStreams:
    case Setting::MaxHeaderListSize:
      break;
  }
  return ErrorCode::NoError;
}

// RFC 9113 section 6.9.2: the windows of open streams change with it.
void Frames::set_first_window(std::int32_t window) {
  const std::int64_t change = std::int64_t{window} - first_window_;
  first_window_ = window;
  if (change == 0) return;
  streams_.each([&](FrameStream& stream) {
    stream.window_ += change;
    if (stream.window_ > kLargestWindow) return reset(stream, ErrorCode::FlowControlError);
    turns_.reconsider(stream);
  });
}

void Frames::take_window_update(const FrameHead& head, std::uint32_t credit) {
  FrameStream* const stream = head.stream == 0 ? nullptr : streams_.find(head.stream);
  if (head.stream != 0 && stream == nullptr && !is_idle(head.stream)) return;
  if (credit == 0 || (head.stream != 0 && stream == nullptr)) return terminate(ErrorCode::ProtocolError);
  if (stream == nullptr) {
    window_ += credit;
    if (window_ > kLargestWindow) terminate(ErrorCode::FlowControlError);
    return;
  }
  stream->window_ += credit;
  if (stream->window_ > kLargestWindow) return reset(*stream, ErrorCode::FlowControlError);
  turns_.reconsider(*stream);
}

// RFC 9218 section 7.1. Of a stream that has not begun it is passed over: the request can say it itself.
void Frames::take_priority_update(std::span<const std::byte> payload) {
  const auto id = static_cast<std::int32_t>(number_at(payload, 0, 4) & kStreamBits);
  if (id == 0) return terminate(ErrorCode::ProtocolError);
  const std::span<const std::byte> value = payload.subspan(4);
  if (FrameStream* const stream = streams_.find(id))
    turns_.set_priority(*stream, priority_from({reinterpret_cast<const char*>(value.data()), value.size()}));
}

}  // namespace holdfast::http2
