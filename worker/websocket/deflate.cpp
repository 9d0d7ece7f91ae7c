#include "worker/websocket/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

namespace holdfast::websocket {
namespace {

// The end of a block without data, that a sender removes and a receiver puts back (RFC 7692
// sections 7.2.1, 7.2.2).
constexpr std::array<std::byte, 4> kTail{std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

constexpr int kLeastZlibBits = 9;
constexpr int kMemoryLevel = 5;  // 8 KiB for the hash and 8 for symbols, instead of 64 each: messages are small

using Next = DeflateStep::Next;

uInt clamp(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}
void set_input(z_stream& stream, std::span<const std::byte> input) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = clamp(input.size());
}
void set_room(z_stream& stream, std::span<std::byte> room) {
  stream.next_out = reinterpret_cast<Bytef*>(room.data());
  stream.avail_out = clamp(room.size());
}
// Raw deflate, without zlib's header, is asked for with a negative window.
int raw_bits(std::uint8_t bits) {
  return -std::max<int>(bits, kLeastZlibBits);
}

}  // namespace

void Inflater::Ender::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

Inflater::Inflater(Settings settings) : settings_(settings) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;

bool Inflater::open() {
  if (stream_) return true;
  auto stream = std::make_unique<z_stream>();
  if (inflateInit2(stream.get(), raw_bits(settings_.window_bits)) != Z_OK) return false;
  stream_.reset(stream.release());
  return true;
}

void Inflater::release() {
  if (!settings_.context_takeover && !began_) stream_.reset();
}

// One call of zlib. At the limit it gets room for a single byte outside of the caller's: whether there is more
// can only be seen by looking.
Inflater::Turn Inflater::run(std::span<const std::byte> input, std::span<std::byte> room) {
  const std::uint64_t allowed = settings_.most_message - produced_;
  std::byte beyond{};
  const bool at_limit = allowed == 0;
  if (at_limit) room = {&beyond, 1};
  if (room.size() > allowed && !at_limit) room = room.first(static_cast<std::size_t>(allowed));
  set_input(*stream_, input);
  set_room(*stream_, room);
  const uInt offered = stream_->avail_in;
  const uInt free = stream_->avail_out;
  const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
  Turn turn{offered - stream_->avail_in, free - stream_->avail_out, stream_->avail_out > 0};
  if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
    return {turn.consumed, 0, false, false,
            result == Z_MEM_ERROR ? CloseCode::InternalError : CloseCode::InvalidPayload};
  if (at_limit && turn.produced > 0) return {turn.consumed, 0, false, false, CloseCode::MessageTooBig};
  produced_ += turn.produced;
  if (turn.consumed > 0) final_block_ = false;
  // RFC 7692 section 7.2.3.4: blocks marked as final occur inside of messages. For zlib its stream has ended
  // there; what follows goes on with the same window, which this kind of reset keeps.
  if (result == Z_STREAM_END) {
    final_block_ = true;
    inflateResetKeep(stream_.get());
  }
  return turn;
}

// zlib stands behind a whole block, at the beginning of a byte.
bool Inflater::at_message_end() const {
  constexpr int kUnusedBits = 63;
  constexpr int kBehindBlock = 128;
  return (stream_->data_type & kBehindBlock) != 0 && (stream_->data_type & kUnusedBits) == 0;
}

void Inflater::finish_message() {
  if (!settings_.context_takeover && began_) inflateReset(stream_.get());
  produced_ = 0;
  tail_at_ = 0;
  in_tail_ = false;
  began_ = false;
  final_block_ = false;
}

DeflateStep Inflater::inflate(std::span<const std::byte> input, std::span<std::byte> room, bool last) {
  assert(!room.empty());
  DeflateStep step;
  const auto failed = [&step](CloseCode code) {
    step.next = Next::Failed;
    step.failure = code;
    return step;
  };
  if (!open()) return failed(CloseCode::InternalError);
  began_ = began_ || !input.empty();
  while (true) {
    const std::span<const std::byte> part =
        in_tail_ ? std::span<const std::byte>(kTail).subspan(tail_at_) : input.subspan(step.consumed);
    const Turn turn = run(part, room.subspan(step.produced));
    (in_tail_ ? tail_at_ : step.consumed) += turn.consumed;
    if (!turn.good) return failed(turn.failure);
    step.produced += turn.produced;
    // The tail belongs to a block without data: whatever it produces was meant to come from data that is
    // missing.
    if (in_tail_ && turn.produced > 0) return failed(CloseCode::InvalidPayload);
    if (!turn.room_left && step.produced == room.size()) {
      step.next = Next::Room;
      return step;
    }
    if (!turn.room_left || turn.consumed < part.size()) continue;
    if (in_tail_ && !at_message_end()) return failed(CloseCode::InvalidPayload);
    if (!in_tail_ && !last) return step;
    // A message of no bytes at all is taken for an empty one, and a final block needs no tail.
    if (in_tail_ || !began_ || final_block_) {
      finish_message();
      step.next = Next::End;
      return step;
    }
    in_tail_ = true;
  }
}

void Deflater::Ender::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

Deflater::Deflater(Settings settings) : settings_(settings) {
  assert(settings_.window_bits >= kLeastZlibBits);
}
Deflater::~Deflater() = default;
Deflater::Deflater(Deflater&&) noexcept = default;

bool Deflater::open() {
  if (stream_) return true;
  auto stream = std::make_unique<z_stream>();
  if (deflateInit2(stream.get(), settings_.level, Z_DEFLATED, raw_bits(settings_.window_bits), kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return false;
  stream_.reset(stream.release());
  return true;
}

void Deflater::release() {
  if (!settings_.context_takeover && !began_) stream_.reset();
}

// `written`: what has not been given out of the message, and a byte of room at least. Returns what is given
// out.
std::size_t Deflater::finish_message(std::span<std::byte> written) {
  if (!settings_.context_takeover) deflateReset(stream_.get());
  held_size_ = 0;
  began_ = false;
  assert(written.size() >= kTail.size() && std::ranges::equal(written.last(kTail.size()), kTail));
  return written.size() - kTail.size();
}

std::size_t Deflater::hold_back(std::span<const std::byte> written) {
  held_size_ = std::min(written.size(), held_.size());
  std::ranges::copy(written.last(held_size_), held_.begin());
  return written.size() - held_size_;
}

DeflateStep Deflater::deflate(std::span<const std::byte> input, std::span<std::byte> room, bool last) {
  assert(room.size() >= kLeastRoom);
  if (!open()) return {0, 0, Next::Failed, CloseCode::InternalError};
  // The held bytes take the front of the room, so that what zlib writes stands behind them.
  std::copy_n(held_.begin(), held_size_, room.begin());
  set_input(*stream_, input);
  set_room(*stream_, room.subspan(held_size_));
  const uInt offered = stream_->avail_in;
  const bool flush = last && offered == input.size();
  const bool first = !began_;
  began_ = true;
  const int result = ::deflate(stream_.get(), flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);

  DeflateStep step;
  step.consumed = offered - stream_->avail_in;
  const auto end = static_cast<std::size_t>(reinterpret_cast<std::byte*>(stream_->next_out) - room.data());
  // zlib does not flush twice in a row: an empty message behind another one is an empty block, written by hand
  // (RFC 7692 section 7.2.3.6).
  if (first && flush && end == 0 && result == Z_BUF_ERROR) {
    room[0] = std::byte{0};
    began_ = false;
    return {0, 1, Next::End, CloseCode::Normal};
  }
  if (flush && stream_->avail_in == 0 && stream_->avail_out > 0) {
    step.produced = finish_message(room.first(end));
    step.next = Next::End;
    return step;
  }
  step.produced = hold_back(room.first(end));
  step.next = stream_->avail_out == 0 || step.consumed < input.size() ? Next::Room : Next::Input;
  return step;
}

}  // namespace holdfast::websocket
