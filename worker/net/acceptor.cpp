#include "worker/net/acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace holdfast::net {
namespace {

constexpr std::uint32_t kAcceptsPerTurn = 64;
constexpr int kTurnsOfLeaving = 64;  // a queue that is refilled all the time ends there
constexpr Milliseconds kPause{100};
constexpr Milliseconds kLongPause{5000};  // for what will hardly mend by itself

enum class AcceptError : std::uint8_t { NobodyLeft, ThatClient, Descriptors, Socket };

// Linux hands on what has become of the connection that would have come next; see accept(2).
AcceptError judge(int code) {
  switch (code) {
    case EAGAIN:
      return AcceptError::NobodyLeft;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptError::Descriptors;
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // a firewall's rule
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
      return AcceptError::ThatClient;
    default:
      return AcceptError::Socket;
  }
}

}  // namespace

Acceptor::Acceptor(loop::EventLoop& loop, ConnectionTable& table, int socket, ListenerContext context,
                   TransportFactory& transports)
    : loop_(loop), table_(table), socket_(socket), context_(context), transports_(transports) {
  table_.watch_room(*this);
}

Acceptor::~Acceptor() {
  stop();
  table_.unwatch_room(*this);
}

Result<void> Acceptor::start() {
  stopped_ = false;
  return watch_.start(loop_, socket_, EPOLLIN, *this);
}

void Acceptor::stop() {
  stopped_ = true;
  watch_.stop();
  loop_.timers().cancel(*this);
}

void Acceptor::release() {
  if (stopped_) return;
  for (int turn = 0; turn < kTurnsOfLeaving && !paused_ && accept_some(kAcceptsPerTurn); ++turn) {
  }
  stop();
  ::close(socket_);
}

void Acceptor::on_ready(std::uint32_t /*events*/) {
  if (accept_some(expected_)) expected_ = std::min(expected_ * 2, kAcceptsPerTurn);
}

bool Acceptor::accept_some(std::uint32_t most) {
  for (std::uint32_t accepted = 0; accepted < most; ++accepted) {
    if (table_.full()) {
      pause(stats::RefusedReason::ConnectionLimit, "limits.connections reached");
      return false;
    }
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Fd socket(::accept4(socket_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      if (!take(std::move(socket), address)) return false;
      continue;
    }
    const int code = errno;
    switch (judge(code)) {
      case AcceptError::ThatClient:
        break;  // the next may be fine
      case AcceptError::NobodyLeft:
        expected_ = std::max(accepted, 1U);
        return false;
      case AcceptError::Descriptors:
        pause(stats::RefusedReason::Descriptors, "out of file descriptors: raise LimitNOFILE or ulimit -n");
        return false;
      case AcceptError::Socket:
        pause(stats::RefusedReason::AcceptFailed, std::strerror(code));
        return false;
    }
  }
  return true;
}

/// False: there is no memory for it, or for more.
bool Acceptor::take(Fd socket, const sockaddr_storage& address) {
  const PeerAddress peer = PeerAddress::from(address);
  if (!table_.welcomes(context_, peer)) return true;
  try {
    table_.add(context_, transports_.wrap(std::move(socket)), peer);
    return true;
  } catch (const std::bad_alloc&) {
    table_.not_added(context_, peer);
    pause(stats::RefusedReason::Memory, "out of memory");
    return false;
  }
}

void Acceptor::pause(stats::RefusedReason reason, std::string_view why) {
  if (paused_) return;
  paused_ = true;
  pause_ = reason == stats::RefusedReason::AcceptFailed ? kLongPause : kPause;
  watch_.stop();
  loop_.timers().arm(*this, loop_.now() + pause_);
  table_.refusals().count(reason);
  if (!pause_lines_.allow(loop_.now())) return;
  log().warning("accepting paused", {{"reason", why}, {"connections", table_.size()}});
}

void Acceptor::on_connection_room() {
  // Room is not what a broken socket waits for.
  if (pause_ == kPause) on_timer(loop_.now());
}

void Acceptor::on_timer(TimePoint /*now*/) {
  if (!paused_ || stopped_) return;
  if (table_.full()) {
    loop_.timers().arm(*this, loop_.now() + kPause);
    return;
  }
  paused_ = !watch_.start(loop_, socket_, EPOLLIN, *this);
  if (paused_) loop_.timers().arm(*this, loop_.now() + kPause);
}

}  // namespace holdfast::net
