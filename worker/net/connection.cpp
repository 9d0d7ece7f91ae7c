#include "worker/net/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "common/log.h"
#include "worker/net/connection_table.h"
#include "worker/net/proxy_header.h"

namespace holdfast::net {
namespace {

constexpr int kReadsPerTurn = 4;
constexpr Milliseconds kWriteTimeout{60'000};
constexpr std::size_t kPendingStep = 4096;
constexpr std::uint32_t kInputEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kOutputEvents = EPOLLOUT;

}  // namespace

Connection::Connection(ConnectionTable& table, loop::EventLoop& loop, ListenerContext& listener,
                       std::unique_ptr<Transport> transport, const PeerAddress& peer)
    : table_(table), loop_(loop), listener_(listener), transport_(std::move(transport)), peer_(peer) {
  write_patience_.set(kWriteTimeout, 0);
}

Connection::~Connection() {
  // The protocol may still look at the connection while it goes.
  protocol_.reset();
  loop_.timers().cancel(*this);
}

bool Connection::draining() const {
  return table_.draining();
}

Drain Connection::drain_kind() const {
  return table_.drain_kind();
}

void Connection::begin() {
  if (listener_.proxy) {
    phase_ = Phase::Introduction;
    deadline_ = loop_.now() + listener_.proxy_timeout;
  } else {
    begin_handshake();
  }
  on_deferred();
}

void Connection::begin_handshake() {
  phase_ = Phase::Handshaking;
  deadline_ = kNever;
  if (listener_.handshake_timeout.count() > 0) deadline_ = loop_.now() + listener_.handshake_timeout;
}

// Whose connection it is stands in its first bytes, ahead of TLS too.
bool Connection::take_introduction() {
  const ProxyHeader header = take_proxy_header(transport_->fd(), loop_.read_buffer());
  switch (header.outcome) {
    case ProxyHeader::Outcome::Consumed:
      break;
    case ProxyHeader::Outcome::NeedMore:
      readable_ = false;
      if (peer_hung_up_) refuse_introduction("it was cut");
      return false;
    case ProxyHeader::Outcome::Refused:
      refuse_introduction(header.why);
      return false;
    case ProxyHeader::Outcome::Gone:
      close();
      return false;
  }
  if (header.source) peer_ = *header.source;
  if (!table_.introduced(*this)) return close(), false;
  begin_handshake();
  return true;
}

void Connection::refuse_introduction(std::string_view why) {
  table_.refusals().refused(stats::RefusedReason::ProxyHeader, peer_, why, loop_.now());
  close();
}

void Connection::on_ready(std::uint32_t events) {
  guarded([this, events] { take_events(events); });
}

void Connection::on_deferred() {
  guarded([this] { run(); });
}

void Connection::on_timer(TimePoint now) {
  guarded([this, now] { take_time(now); });
}

// One connection is what a want of memory costs, and gives back what it had; the others go on.
template <class Work>
void Connection::guarded(Work work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    running_ = false;
    log_failure("connection closed: out of memory", 0);
    close();
  }
}

void Connection::take_events(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_hung_up_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & EPOLLRDHUP) != 0 && phase_ == Phase::Open && !protocol_->wants_bytes()) protocol_->on_hang_up();
  // Both directions are gone, and nobody would find out by reading.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && phase_ == Phase::Open && !protocol_->wants_bytes())
    return close();
  run();
}

bool Connection::watch() {
  const Result<void> started =
      watch_.start(loop_, transport_->fd(), kInputEvents | (watching_output_ ? kOutputEvents : 0U), *this);
  if (started) return true;
  log_failure("connection cannot be watched", started.error().system_code);
  close();
  return false;
}

// Most connections never block, so writability is asked for only after the first time; then once for its whole
// life.
void Connection::watch_output() {
  writable_ = false;
  if (watching_output_) return;
  watching_output_ = true;
  if (watch_.active()) watch_.change(kInputEvents | kOutputEvents);
}

bool Connection::shake_hands() {
  // The client's word has come, or the first look for it: what follows costs up to a millisecond.
  if (listener_.secure && readable_ && !table_.may_shake_hands()) return loop_.defer(*this), false;
  const IoResult result = transport_->handshake();
  if (result.outcome == Io::WantRead) readable_ = false;
  if (result.outcome == Io::WantWrite) watch_output();
  if (result.outcome == Io::Failed || result.outcome == Io::End) close();
  if (result.outcome != Io::Ok) return false;
  phase_ = Phase::Open;
  deadline_ = kNever;
  const api::TlsFacts* const facts = transport_->tls();
  protocol_ = listener_.factory->make(*this, facts != nullptr ? facts->protocol : std::string_view());
  return true;
}

// One event: output that waited, then input, each answer going out before the next read, then the deadlines.
void Connection::run() {
  if (phase_ == Phase::Closed) return;
  running_ = true;
  if ((phase_ != Phase::Introduction || take_introduction()) &&
      (phase_ != Phase::Handshaking || shake_hands())) {
    if (blocked_) send_output();
    if (phase_ == Phase::Open) take_input();
  }
  end_run();
}

// What the protocol has done leaves, as far as the socket takes it.
void Connection::end_run() {
  send_output();
  if (phase_ == Phase::Lingering) throw_input_away();
  running_ = false;
  settle();
}

void Connection::take_input() {
  if (retry_pending_ && !offer_pending()) return;
  for (int reads = 0; phase_ == Phase::Open && protocol_->wants_bytes();) {
    if (input_ended_ || (!readable_ && !transport_->has_pending())) break;
    if (reads++ == kReadsPerTurn) {
      loop_.defer(*this);
      break;
    }
    if (!read_some()) break;
    // Answers leave before the next read, or a fast sender would fill the queue.
    if (output_.size() >= OutputQueue::kLowMark) send_output();
    if (retry_pending_ && !offer_pending()) break;
  }
  if (phase_ == Phase::Open && input_ended_ && (pending_.empty() || protocol_->wants_bytes()))
    protocol_->on_end();
}

// Offers kept input again as long as the protocol makes progress with it. While the protocol wants none the
// offer stays due.
bool Connection::offer_pending() {
  while (phase_ == Phase::Open && retry_pending_ && !pending_.empty() && protocol_->wants_bytes()) {
    retry_pending_ = false;
    const std::size_t used = protocol_->on_bytes(pending_.bytes());
    if (used > 0) {
      pending_.consume(used);
      retry_pending_ = true;
    }
    if (output_.size() >= OutputQueue::kLowMark) send_output();
  }
  if (pending_.empty()) retry_pending_ = false;
  return phase_ == Phase::Open;
}

bool Connection::read_some() {
  const bool into_pending = !pending_.empty();
  const std::span<std::byte> room = into_pending ? pending_.room(kPendingStep) : loop_.read_buffer();
  const IoResult result = transport_->read(room);
  switch (result.outcome) {
    case Io::Ok:
      break;
    case Io::WantRead:
      readable_ = false;
      return false;
    case Io::WantWrite:
      watch_output();
      return false;
    case Io::End:
      input_ended_ = true;
      return false;
    case Io::Failed:
      close();
      return false;
  }
  // A short read emptied the socket; only a hang-up makes another read worthwhile.
  if (result.bytes < room.size() && !peer_hung_up_) readable_ = false;
  if (into_pending) {
    pending_.commit(result.bytes);
    const std::size_t used = offer(pending_.bytes());
    if (used > 0) pending_.consume(used);
  } else {
    const std::size_t used = offer(room.first(result.bytes));
    if (phase_ != Phase::Closed) pending_.append(room.subspan(used, result.bytes - used));
  }
  if (phase_ != Phase::Open) return false;
  // What it leaves because it has enough for now is offered again as soon as it wants more.
  if (!pending_.empty() && !protocol_->wants_bytes()) retry_pending_ = true;
  return true;
}

std::size_t Connection::offer(std::span<const std::byte> input) {
  if (!spoken_) {
    if (std::unique_ptr<Protocol> other = listener_.factory->instead(*this, input))
      table_.bury(std::exchange(protocol_, std::move(other)));
  }
  const std::size_t used = protocol_->on_bytes(input);
  spoken_ |= used > 0;
  return used;
}

void Connection::settle() {
  if (phase_ == Phase::Closed) return;
  if (!watch_.active() && !watch()) return;
  if (input_is_due()) loop_.defer(*this);
  count_state(false);
  arm_timer();
}

// There is input to look at, and no event will come for it.
bool Connection::input_is_due() const {
  if (phase_ != Phase::Open) return false;
  if (input_ended_ && pending_.empty()) return retry_pending_;
  if (!protocol_->wants_bytes()) return false;
  if (retry_pending_) return true;
  return !input_ended_ && writable_ && (readable_ || transport_->has_pending());
}

void Connection::arm_timer() {
  const TimePoint next = std::min(deadline_, write_check_);
  if (loop::TimerWheel::deadline_of(*this) != next) loop_.timers().arm(*this, next);
}

void Connection::set_deadline(TimePoint deadline) {
  if (phase_ == Phase::Open || phase_ == Phase::Finishing) deadline_ = deadline;
}

void Connection::take_time(TimePoint now) {
  if (phase_ == Phase::Closed) return;
  if (write_check_ <= now && !reader_is_in_time(now)) return;
  if (deadline_ > now) return arm_timer();
  if (phase_ == Phase::Introduction) return introduction_is_late();
  if (phase_ == Phase::Handshaking || phase_ == Phase::Lingering) return close();
  running_ = true;
  if (!came_in_time(now)) {
    deadline_ = kNever;
    if (phase_ == Phase::Open || phase_ == Phase::Finishing) protocol_->on_timeout(now);
  }
  end_run();
}

// The last of it may lie in the socket already.
void Connection::introduction_is_late() {
  run();
  if (phase_ == Phase::Introduction) refuse_introduction("it did not come in time");
}

// What is awaited may lie in the socket already: more connections may have been ready than one turn takes, or
// the loop was held up.
bool Connection::came_in_time(TimePoint now) {
  if (phase_ != Phase::Open || !protocol_->wants_bytes()) return false;
  readable_ = true;
  take_input();
  return phase_ != Phase::Open || deadline_ > now;
}

void Connection::finish(bool linger) {
  if (phase_ != Phase::Open) return;
  phase_ = Phase::Finishing;
  linger_ = linger;
  deadline_ = kNever;
  if (!running_) loop_.defer(*this);
}

void Connection::close() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  watch_.forget();
  loop_.timers().cancel(*this);
  count_state(true);
  table_.closed(*this);
}

void Connection::resume() {
  if (phase_ == Phase::Closed) return;
  // Within run() output is sent anyway; only input that waits needs another look.
  if (running_ && pending_.empty() && !readable_ && !input_ended_) return;
  retry_pending_ = true;
  if (!running_) loop_.defer(*this);
}

void Connection::replace_protocol(std::unique_ptr<Protocol> next) {
  table_.bury(std::exchange(protocol_, std::move(next)));
  retry_pending_ = true;
}

void Connection::drain(Drain how) {
  if (phase_ == Phase::Lingering && how == Drain::Soon) {
    linger_shortly();
    arm_timer();
  }
  if (phase_ == Phase::Handshaking || phase_ == Phase::Open) {
    if (!protocol_) return;
    running_ = true;
    protocol_->begin_drain(how);
    end_run();
  }
}

void Connection::count_state(bool closing) {
  const stats::ConnectionState next = closing ? stats::ConnectionState::kCount : state_;
  if (next == counted_) return;
  if (counted_ != stats::ConnectionState::kCount)
    listener_.by_state[static_cast<std::size_t>(counted_)].subtract();
  if (next != stats::ConnectionState::kCount) listener_.by_state[static_cast<std::size_t>(next)].add();
  counted_ = next;
}

void Connection::log_failure(std::string_view event, int code) const {
  if (!log().enabled(LogLevel::Info)) return;
  log().info(event, {{"connection", id_},
                     {"client", peer_.text()},
                     {"activity", protocol_ ? protocol_->activity() : std::string_view("handshake")},
                     {"error", code == 0 ? "" : std::strerror(code)}});
}

}  // namespace holdfast::net
