#include "worker/http2/frames.h"

#include <algorithm>
#include <utility>

namespace holdfast::http2 {
namespace {

// One frame fills one chunk of the output, and with TLS one record.
constexpr std::size_t kMostData = net::OutputQueue::kChunk - kFrameHead;
static_assert(kMostData <= kMostPayload);

}  // namespace

Frames::Frames(FrameEvents& events, net::OutputQueue& output, const Announced& announced)
    : events_(events), output_(output), announced_(announced) {}

// ---- writing

/// Room for the payload of a small frame, whose head is written.
std::span<std::byte> Frames::put(const FrameHead& head) {
  const std::span<std::byte> room = output_.room(kFrameHead + head.length);
  put_head(room, head);
  output_.commit(kFrameHead + head.length);
  return room.subspan(kFrameHead, head.length);
}

// RFC 9113 section 3.4: the first frame of a server is its SETTINGS.
void Frames::begin() {
  if (std::exchange(began_, true)) return;
  put_settings();
  if (announced_.window > kFirstWindow) put_window_update(0, announced_.window - kFirstWindow);
}

void Frames::put_settings() {
  const std::pair<Setting, std::uint32_t> settings[] = {{Setting::MaxConcurrentStreams, announced_.streams},
                                                        {Setting::MaxHeaderListSize, announced_.fields},
                                                        {Setting::EnableConnectProtocol, 1},
                                                        {Setting::NoRfc7540Priorities, 1}};
  const std::span<std::byte> room = put({FrameType::Settings, 0, 0, std::size(settings) * kSettingSize});
  std::size_t at = 0;
  for (const auto& [setting, value] : settings) {
    put_number(room, at, 2, static_cast<std::uint32_t>(setting));
    put_number(room, at + 2, 4, value);
    at += kSettingSize;
  }
}

void Frames::put_goaway(std::int32_t last, ErrorCode why) {
  const std::span<std::byte> room = put({FrameType::GoAway, 0, 0, 8});
  put_number(room, 0, 4, static_cast<std::uint32_t>(last));
  put_number(room, 4, 4, static_cast<std::uint32_t>(why));
}

void Frames::put_window_update(std::int32_t stream, std::uint32_t credit) {
  put_number(put({FrameType::WindowUpdate, 0, stream, 4}), 0, 4, credit);
}

void Frames::announce_end() {
  if (over_) return;
  begin();
  put_goaway(static_cast<std::int32_t>(kStreamBits), ErrorCode::NoError);
  std::ranges::fill(put({FrameType::Ping, 0, 0, 8}), std::byte{});
}

void Frames::goodbye() {
  if (over_) return;
  begin();
  said_goodbye_ = true;
  put_goaway(looked_at_, ErrorCode::NoError);
}

void Frames::terminate(ErrorCode why) {
  if (over_) return;
  begin();
  put_goaway(looked_at_, why);
  over_ = true;
}

// ---- responses

void Frames::respond(FrameStream& stream, std::span<const api::Field> fields, bool body) {
  if (over_ || stream.reset_due_ || stream.local_ended_) return;
  const std::size_t bytes = encoder_.put(output_, stream.id_, fields, !body);
  events_.on_fields_sent(stream, bytes + kFrameHead);
  stream.has_body_ = body;
  if (!body) {
    // Told later: the caller is in the middle of something.
    stream.local_ended_ = stream.end_untold_ = true;
    ended_.push_back(stream.id_);
  }
  turns_.reconsider(stream);
}

void Frames::go_on(FrameStream& stream) {
  if (over_ || stream.reset_due_ || stream.local_ended_) return;
  const api::Field status{":status", "100"};
  encoder_.put(output_, stream.id_, {&status, 1}, false);
}

void Frames::resume_body(FrameStream& stream) {
  if (over_) return;
  stream.deferred_ = false;
  turns_.reconsider(stream);
}

void Frames::reset(FrameStream& stream, ErrorCode why) {
  if (std::exchange(stream.reset_due_, true)) return;
  resets_.push_back({stream.id_, why});
  turns_.reconsider(stream);
}

bool Frames::wants_input() const {
  if (over_) return false;
  return !streams_.empty() || !(peer_leaves_ || said_goodbye_);
}

bool Frames::wants_output() const {
  if (over_) return false;
  return !began_ || !resets_.empty() || !ended_.empty() || (window_ > 0 && turns_.first() != nullptr);
}

bool Frames::produce() {
  if (over_) return false;
  begin();
  if (!resets_.empty() || !ended_.empty()) {
    settle();
    return true;
  }
  FrameStream* const stream = turns_.first();
  if (stream == nullptr || window_ <= 0) return false;
  send_data(*stream);
  return true;
}

// What was left for when nobody is in the middle of a call. Events may add to both lists.
void Frames::settle() {
  for (std::size_t i = 0; i < ended_.size(); ++i) {
    FrameStream* const stream = streams_.find(ended_[i]);
    if (stream != nullptr && std::exchange(stream->end_untold_, false)) end_response(*stream);
  }
  ended_.clear();
  for (std::size_t i = 0; i < resets_.size() && !over_; ++i) {
    const Reset due = resets_[i];
    FrameStream* const stream = streams_.find(due.stream);
    if (stream == nullptr) continue;
    put_number(put({FrameType::Reset, 0, due.stream, 4}), 0, 4, static_cast<std::uint32_t>(due.why));
    close(*stream);
    if (due.why != ErrorCode::NoError && due.why != ErrorCode::InternalError) events_.on_our_reset(due.why);
  }
  resets_.clear();
}

void Frames::send_data(FrameStream& stream) {
  const auto most =
      static_cast<std::size_t>(std::min({stream.window_, window_, static_cast<std::int64_t>(kMostData)}));
  const Pulled pulled = events_.pull(stream, most);
  if (pulled.kind == Pulled::Kind::Broken) return reset(stream, ErrorCode::InternalError);
  if (pulled.kind == Pulled::Kind::Later) {
    stream.deferred_ = true;
    return turns_.reconsider(stream);
  }
  const bool trailers = pulled.ends && !pulled.trailers.empty();
  if (pulled.bytes > 0 || !trailers) {
    const bool ends = pulled.ends && !trailers;
    const std::span<std::byte> room = output_.room(kFrameHead + pulled.bytes);
    put_head(room, {FrameType::Data, ends ? flags::kEndStream : std::uint8_t{0}, stream.id_, pulled.bytes});
    if (!events_.write_data(stream, room.subspan(kFrameHead, pulled.bytes))) {
      output_.commit(0);
      return reset(stream, ErrorCode::InternalError);
    }
    output_.commit(kFrameHead + pulled.bytes);
    stream.window_ -= static_cast<std::int64_t>(pulled.bytes);
    window_ -= static_cast<std::int64_t>(pulled.bytes);
  }
  if (trailers) return send_trailers(stream, pulled.trailers);
  if (pulled.ends) return end_response(stream);
  turns_.served(stream);
  turns_.reconsider(stream);
}

void Frames::send_trailers(FrameStream& stream, std::span<const api::Field> trailers) {
  const std::size_t bytes = encoder_.put(output_, stream.id_, trailers, true);
  events_.on_fields_sent(stream, bytes + kFrameHead);
  end_response(stream);
}

void Frames::end_response(FrameStream& stream) {
  stream.local_ended_ = true;
  turns_.remove(stream);
  events_.on_response_end(stream);
  if (stream.remote_ended_ && !stream.reset_due_) close(stream);
}

void Frames::close(FrameStream& stream) {
  turns_.remove(stream);
  streams_.remove(stream.id_);
  if (section_.stream == &stream) section_.stream = nullptr;
  if (data_of_ == &stream) data_of_ = nullptr;
  discard(stream, stream.held_);
  events_.on_stream_end(stream);
}

void Frames::forget(FrameStream& stream) {
  over_ = true;
  turns_.remove(stream);
  streams_.remove(stream.id_);
}

// ---- credit of what we receive (RFC 9113 section 6.9), given back half a window at a time

// Half of what is not held back by handlers, so that those that take nothing do not stop the others.
void Frames::give_credit(std::size_t bytes) {
  taken_ += static_cast<std::uint32_t>(bytes);
  const std::uint32_t held = received_ - taken_;
  if (over_ || taken_ == 0 || taken_ < (announced_.window - held) / 2) return;
  received_ -= taken_;
  put_window_update(0, std::exchange(taken_, 0));
}

void Frames::discard(FrameStream& stream, std::size_t bytes) {
  const std::size_t part = std::min(bytes, stream.held_);
  stream.held_ -= part;
  give_credit(part);
}

void Frames::consume(FrameStream& stream, std::size_t bytes) {
  discard(stream, bytes);
  stream.taken_ += static_cast<std::int32_t>(bytes);
  if (over_ || stream.remote_ended_ || stream.reset_due_ || stream.taken_ < kFirstWindow / 2) return;
  stream.received_ -= stream.taken_;
  put_window_update(stream.id_, static_cast<std::uint32_t>(std::exchange(stream.taken_, 0)));
}

}  // namespace holdfast::http2
