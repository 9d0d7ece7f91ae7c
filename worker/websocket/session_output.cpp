// Output of a session: straight to the connection while it takes it, else kept until the connection asks.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/text_room.h"
#include "worker/websocket/session.h"

namespace holdfast::websocket {
namespace {

// Shorter messages gain too little by being packed.
constexpr std::size_t kLeastPacked = 128;
// Memory of output that is worth keeping for the next time.
constexpr std::size_t kMostKept = std::size_t{4} * 1024;
constexpr std::size_t kPackStep = std::size_t{16} * 1024;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

Opcode opcode_of(MessageKind kind) {
  return kind == MessageKind::Text ? Opcode::Text : Opcode::Binary;
}

}  // namespace

bool Session::send(api::MessageKind kind, std::string_view data) {
  if (state_ != State::Open) return false;
  const bool waits = queued() > 0;
  if (waits && queued() + data.size() > settings().max_queue) return false;
  service_.count_sent();
  if (deflater_ && data.size() >= kLeastPacked && send_packed(kind, data)) return true;
  send_frame({opcode_of(kind)}, data);
  return true;
}

// Once something was packed the client's window holds it: it must be sent, however little it gains.
bool Session::send_packed(api::MessageKind kind, std::string_view data) {
  std::string& packed = service_.packed();
  std::span<const std::byte> rest = as_bytes(data);
  std::array<std::byte, kPackStep> room;
  for (;;) {
    const DeflateStep step = deflater_->deflate(rest, room, /*last=*/true);
    packed.append(as_text(std::span<const std::byte>(room).first(step.produced)));
    rest = rest.subspan(step.consumed);
    if (step.next == DeflateStep::Next::End) break;
    if (step.next == DeflateStep::Next::Failed) {
      packed.clear();
      close(api::kCloseInternal, "out of memory");
      return true;
    }
  }
  send_frame({opcode_of(kind), /*final=*/true, /*compressed=*/true}, packed);
  packed.clear();
  deflater_->release();
  return true;
}

void Session::send_frame(FrameShape shape, std::string_view payload) {
  put(as_text(write_frame_head(shape, payload.size()).view()), payload);
}

void Session::put(std::string_view first, std::string_view second) {
  const std::array<std::string_view, 2> parts{first, second};
  if (!reading_ && out_.empty() && source_waits_ && exchange_.send_now(parts)) return;
  out_.append(first).append(second);
  if (!reading_ && std::exchange(source_waits_, false)) exchange_.body_ready();
}

void Session::send_close(CloseCode code, std::string_view reason) {
  put(as_text(write_close_frame(code, reason).view()), {});
}

void Session::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::Open) return;
  told_close_ = true;
  state_ = State::Closing;
  paused_ = false;
  if (!taking_) free_room(message_);
  send_close(may_be_sent(code) ? static_cast<CloseCode>(code) : CloseCode::InternalError, reason);
  wait_for(Waiting::Close, settings().close_timeout);
  go_on();
}

// Called while the connection has room. What it takes makes room for more input, and that for more output.
api::Pulled Session::read(std::span<std::byte> room) {
  reading_ = true;
  std::size_t filled = 0;
  while (!out_.empty() && filled < room.size()) {
    const std::size_t part = std::min(room.size() - filled, queued());
    std::memcpy(room.data() + filled, out_.data() + out_at_, part);
    filled += part;
    out_at_ += part;
    if (queued() > 0) break;
    out_.clear();
    if (out_.capacity() > kMostKept) free_room(out_);
    out_at_ = 0;
    if (state_ == State::Open) tell([this] { listener_->on_room(); });
    go_on();
  }
  reading_ = false;
  if (queued() > 0) return {filled, api::Pull::More};
  if (state_ == State::Done) return {filled, api::Pull::End};
  source_waits_ = true;
  return {filled, api::Pull::Later};
}

}  // namespace holdfast::websocket
