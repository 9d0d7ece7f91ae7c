// Input of a session and its life; output stands in session_output.cpp.
#include "worker/websocket/session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/text_room.h"

namespace holdfast::websocket {
namespace {

// What a client may send ahead of us.
constexpr std::size_t kCredit = std::size_t{64} * 1024;
// Input is unmasked, and inflated, in parts that stay in the processor's nearest caches.
constexpr std::size_t kPart = std::size_t{16} * 1024;
// A message's memory that is worth keeping for the next one.
constexpr std::size_t kMostKept = std::size_t{4} * 1024;
constexpr std::string_view kSilent = "no answer to a ping";

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Session::Session(Service& service, http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener,
                 std::string_view subprotocol, const std::optional<DeflateAgreement>& deflate)
    : service_(service),
      exchange_(exchange),
      listener_(std::move(listener)),
      subprotocol_(subprotocol),
      parser_({exchange.account.route->websocket.max_message, deflate.has_value()}) {
  if (deflate) {
    inflater_.emplace(Inflater::Settings{deflate->client_window_bits, !deflate->client_no_context_takeover,
                                         settings().max_message});
    deflater_.emplace(Deflater::Settings{deflate->server_window_bits, !deflate->server_no_context_takeover});
  }
  service_.enter(*this);
}

Session::~Session() {
  // The listener may still ask what it holds.
  state_ = State::Done;
  listener_.reset();
  service_.leave(*this);
}

void Session::open(std::span<const api::Field> fields) {
  heard_at_ = exchange_.now();
  exchange_.upgrade({*this, "websocket", *this, *this, kCredit}, fields);
  wait_for(Waiting::Silence, settings().ping_interval);
  tell([this] { listener_->on_open(*this); });
}

// -- input

bool Session::blocked() const {
  return !out_.empty() || (paused_ && state_ == State::Open);
}

void Session::on_body(std::span<const std::byte> bytes) {
  heard_at_ = exchange_.now();
  spent_ += bytes.size();
  if (held_.empty() && !blocked()) bytes = bytes.subspan(take(bytes));
  held_.append(bytes);
  give_credit();
}

// Credit is given back in large parts: each time costs a look at the connection.
void Session::give_credit() {
  if (state_ == State::Done || !held_.empty() || blocked() || spent_ < kCredit / 2) return;
  exchange_.grant(std::exchange(spent_, 0));
}

/// What was held back is due.
void Session::go_on() {
  if (taking_) return;
  while (!held_.empty() && !blocked()) held_.consume(take(held_.bytes()));
  give_credit();
}

void Session::resume() {
  if (std::exchange(paused_, false)) go_on();
}

// Returns how much of the input is done with.
std::size_t Session::take(std::span<const std::byte> input) {
  if (state_ == State::Done) return input.size();
  exchange_.show_activity();
  taking_ = true;
  std::array<std::byte, kPart> memory;  // a copy, since it is unmasked in place
  std::size_t used = 0;
  while (used < input.size() && state_ != State::Done && !blocked()) {
    const std::size_t part = std::min(input.size() - used, memory.size());
    std::memcpy(memory.data(), input.data() + used, part);
    const FrameParser::Step step = parser_.parse(std::span(memory).first(part), *this);
    keep_piece();
    used += step.consumed;
    const std::optional<FrameParser::Failure> failure = bad_ ? bad_ : step.failure;
    if (failure) fail(failure->code, failure->reason);
  }
  taking_ = false;
  return state_ == State::Done ? input.size() : used;
}

/// The memory of take() is about to be used again.
void Session::keep_piece() {
  message_.append(as_text(piece_));
  piece_ = {};
}

void Session::on_body_end() {
  if (state_ == State::Done) return;
  tell_close(api::kCloseAbnormal, {});
  finish();
}

// -- FrameEvents

bool Session::on_message_begin(MessageKind kind, bool compressed) {
  kind_ = kind;
  compressed_ = compressed;
  utf8_.reset();
  return true;
}

bool Session::on_message_data(std::span<const std::byte> piece) {
  if (state_ != State::Open) return true;
  if (compressed_) return inflate(piece, false);
  keep_piece();
  piece_ = piece;
  return true;
}

bool Session::on_message_end() {
  if (state_ != State::Open) return true;
  if (compressed_ && !inflate({}, true)) return false;
  service_.count_received();
  // Most messages lie whole in what was read last.
  if (!message_.empty()) keep_piece();
  const bool goes_on = tell_message(message_.empty() ? as_text(piece_) : std::string_view(message_));
  piece_ = {};
  message_.clear();
  if (message_.capacity() > kMostKept) free_room(message_);
  return goes_on;
}

bool Session::tell_message(std::string_view data) {
  tell([&] { listener_->on_message(kind_, data); });
  if (inflater_) inflater_->release();
  return !blocked() && state_ != State::Done;
}

bool Session::inflate(std::span<const std::byte> piece, bool last) {
  std::array<std::byte, kPart> room;
  for (;;) {
    const DeflateStep step = inflater_->inflate(piece, room, last);
    const std::span<const std::byte> made = std::span(room).first(step.produced);
    if (kind_ == MessageKind::Text && !utf8_.take(made)) {
      bad_ = FrameParser::Failure{CloseCode::InvalidPayload, "text is not UTF-8"};
      return false;
    }
    message_.append(as_text(made));
    piece = piece.subspan(step.consumed);
    switch (step.next) {
      case DeflateStep::Next::Room:
        continue;
      case DeflateStep::Next::Input:
        return true;
      case DeflateStep::Next::End:
        if (kind_ == MessageKind::Binary || utf8_.complete()) return true;
        bad_ = FrameParser::Failure{CloseCode::InvalidPayload, "text is not UTF-8"};
        return false;
      case DeflateStep::Next::Failed:
        bad_ = FrameParser::Failure{step.failure, step.failure == CloseCode::MessageTooBig
                                                      ? "message is too large"
                                                      : "compressed data is broken"};
        return false;
    }
  }
}

bool Session::on_ping(std::span<const std::byte> payload) {
  if (state_ == State::Open) put(as_text(write_control_frame(Opcode::Pong, payload).view()), {});
  return !blocked();
}

bool Session::on_pong(std::span<const std::byte> /*payload*/) {
  return true;
}

// RFC 6455 section 5.5.1: the answer to a close has its code.
void Session::on_close(std::optional<std::uint16_t> code, std::string_view reason) {
  if (state_ == State::Open) {
    tell_close(code.value_or(api::kCloseNoStatus), reason);
    send_close(static_cast<CloseCode>(code.value_or(api::kCloseNoStatus)), {});
  }
  finish();
}

// -- the end

void Session::fail(CloseCode code, std::string_view reason) {
  if (state_ == State::Open) {
    tell_close(static_cast<std::uint16_t>(code), reason);
    send_close(code, reason);
  }
  finish();
}

void Session::tell_close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::Open || std::exchange(told_close_, true)) return;
  // The listener finds it closed, and can send nothing.
  state_ = State::Closing;
  exchange_.show_activity();
  tell([&] { listener_->on_close(code, reason); });
  state_ = State::Open;
}

void Session::handler_failed() noexcept {
  failed_ = true;
  if (state_ != State::Open) return;
  told_close_ = true;
  close(api::kCloseInternal, "the handler failed");
}

void Session::send_away() {
  if (state_ != State::Open) return;
  tell_close(api::kCloseGoingAway, "the server is leaving");
  close(api::kCloseGoingAway, "the server is leaving");
}

// What waits is sent, then the tunnel ends. Nothing of the client matters any more.
void Session::finish() {
  if (state_ == State::Done) return;
  state_ = State::Done;
  waiting_ = Waiting::Nothing;
  timer_.reset();
  held_.clear();
  if (!reading_ && std::exchange(source_waits_, false)) exchange_.body_ready();
}

// -- time

void Session::wait_for(Waiting what, Milliseconds time) {
  timer_.reset();
  waiting_ = time.count() > 0 ? what : Waiting::Nothing;
  if (time.count() > 0) timer_ = service_.timers().start(exchange_.now() + time, *this);
}

void Session::on_timer() {
  switch (waiting_) {
    case Waiting::Nothing:
      return;
    case Waiting::Silence:
      return on_silence();
    case Waiting::Pong:
      // Anything that came is as good as a pong, and what is not read cannot come.
      if (blocked() || !held_.empty() || heard_at_ >= asked_at_)
        return wait_for(Waiting::Silence, settings().ping_interval);
      tell_close(api::kCloseAbnormal, kSilent);
      finish();
      return exchange_.reset_output();
    case Waiting::Close: {
      // Whoever does not even read is not waited for any longer.
      const bool stuck = queued() > 0;
      finish();
      if (stuck) exchange_.reset_output();
      return;
    }
  }
}

void Session::on_silence() {
  const Milliseconds interval = settings().ping_interval;
  const TimePoint due = blocked() ? exchange_.now() + interval : heard_at_ + interval;
  if (due > exchange_.now())
    return wait_for(Waiting::Silence, std::chrono::ceil<Milliseconds>(due - exchange_.now()));
  put(as_text(write_control_frame(Opcode::Ping, {}).view()), {});
  asked_at_ = exchange_.now();
  wait_for(Waiting::Pong, settings().pong_timeout);
}

}  // namespace holdfast::websocket
