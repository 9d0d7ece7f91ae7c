// The sending half of a connection and its end: what is queued leaves, within the peer's time, then our side is
// ended and what still comes is thrown away.
#include <sys/socket.h>

#include <algorithm>

#include "worker/net/connection.h"
#include "worker/net/connection_table.h"

namespace holdfast::net {
namespace {

constexpr int kReadsPerTurn = 4;
constexpr std::uint64_t kWriteShare = 1024 * 1024;
// A peer that still sends is given more time to see the answer, but not for ever.
constexpr Milliseconds kLingerTime{5000};
constexpr Milliseconds kLongestLinger{30'000};
constexpr Milliseconds kShortLinger{2000};  // of a leaving worker; in all, when it is to leave soon

/// Whether closing the socket resets the connection.
void close_resets(int socket, bool resets) {
  const linger how{resets ? 1 : 0, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &how, sizeof how);
}

}  // namespace

// One flush; false when there is nothing more to do in this turn.
bool Connection::flush_once(std::uint64_t& share) {
  const OutputQueue::Flushed flushed = output_.flush(*transport_, share, phase_ == Phase::Finishing);
  share -= std::min(share, flushed.bytes);
  handed_over_ += flushed.bytes;
  blocked_ = false;
  switch (flushed.outcome) {
    case OutputQueue::Flush::Empty:
      write_patience_.stand(loop_.now());
      write_check_ = kNever;
      return true;
    case OutputQueue::Flush::Yielded:
      loop_.defer(*this);
      blocked_ = true;
      return false;
    case OutputQueue::Flush::Blocked:
      blocked_ = true;
      watch_output();
      wait_for_reader();
      return output_.size() < OutputQueue::kLowMark;
    case OutputQueue::Flush::Shortened:
      log_failure("file became shorter while it was sent; connection closed", 0);
      abort();
      return false;
    case OutputQueue::Flush::Failed:
      close();
      return false;
  }
  return false;
}

// The kernel says that there is room only when a third of its buffer is free, which a slow reader may not reach
// in time: what the peer has received is asked for now and then instead.
void Connection::wait_for_reader() {
  if (write_patience_.runs()) return;
  note_received();
  write_patience_.run(loop_.now());
  write_check_ = std::min(write_patience_.deadline(), loop_.now() + write_patience_.limit() / 4);
}

void Connection::note_received() {
  const std::uint64_t received = handed_over_ - std::min<std::uint64_t>(handed_over_, transport_->unsent());
  if (received <= seen_received_) return;
  write_patience_.moved(received - seen_received_, loop_.now());
  seen_received_ = received;
}

// Otherwise the connection has been reset.
bool Connection::reader_is_in_time(TimePoint now) {
  note_received();
  if (write_patience_.deadline() > now) {
    write_check_ = std::min(write_patience_.deadline(), now + write_patience_.limit() / 4);
    return true;
  }
  const bool trickles = write_patience_.trickles(now);
  table_.refusals().reset(trickles ? stats::ResetReason::ResponseRate : stats::ResetReason::ResponseWrite,
                          peer_, protocol_->activity(), now);
  abort();
  return false;
}

void Connection::send_output() {
  if (phase_ < Phase::Open || phase_ == Phase::Closed) return;
  if (blocked_ && !writable_) return;
  // A source that never runs dry and a peer that takes all would keep the loop from everybody else.
  std::uint64_t share = kWriteShare;
  for (;;) {
    if (!output_.empty() && !flush_once(share)) return;
    if (phase_ == Phase::Closed) return;
    if (phase_ == Phase::Lingering || !protocol_->on_room()) break;
    if (blocked_) return;
  }
  if (phase_ == Phase::Finishing && output_.empty()) end_our_side();
}

void Connection::end_only_by_finish() {
  if (phase_ == Phase::Closed || guarded_) return;
  guarded_ = true;
  close_resets(transport_->fd(), true);
}

void Connection::end_our_side() {
  if (guarded_) close_resets(transport_->fd(), false);
  guarded_ = false;
  // The end leaves with the last bytes now: a close would reset instead, and lose them, if the peer has sent
  // more.
  transport_->end_writing(input_ended_);
  if ((!linger_ && pending_.empty()) || input_ended_) return close();
  phase_ = Phase::Lingering;
  linger_end_ = loop_.now() + kLongestLinger;
  deadline_ = loop_.now() + linger_time();
  if (draining() && drain_kind() == Drain::Soon) linger_shortly();
}

// Who sends nothing is not worth holding up the end of a worker for.
Milliseconds Connection::linger_time() const {
  return draining() ? kShortLinger : kLingerTime;
}

void Connection::linger_shortly() {
  linger_end_ = std::min(linger_end_, loop_.now() + kShortLinger);
  deadline_ = std::min(deadline_, linger_end_);
}

void Connection::throw_input_away() {
  pending_.clear();
  for (int reads = 0; readable_ && reads < kReadsPerTurn; ++reads) {
    const std::span<std::byte> room = loop_.read_buffer();
    const IoResult result = transport_->read(room);
    if (result.outcome == Io::WantRead) readable_ = false;
    if (result.outcome == Io::End || result.outcome == Io::Failed) return close();
    if (result.outcome != Io::Ok) return;
    deadline_ = std::min(loop_.now() + linger_time(), linger_end_);
  }
  if (readable_) loop_.defer(*this);
}

void Connection::abort() {
  if (phase_ == Phase::Closed) return;
  // A reset rather than an orderly end: the peer must not take what it has for the whole.
  close_resets(transport_->fd(), true);
  close();
}

void Connection::cut() {
  if (output_.empty() && state_ != stats::ConnectionState::Writing) return close();
  table_.refusals().reset(stats::ResetReason::Shutdown, peer_,
                          protocol_ ? protocol_->activity() : std::string_view(), loop_.now());
  abort();
}

}  // namespace holdfast::net
