#include "worker/net/acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::net {
namespace {

constexpr std::uint32_t kAcceptsPerTurn = 64;
constexpr int kTurnsOfLeaving = 64;  // a queue that is refilled all the time ends there
constexpr Milliseconds kPause{100};

}  // namespace

Acceptor::Acceptor(loop::EventLoop& loop, ConnectionTable& table, stats::WorkerStats& stats, int socket,
                   ListenerContext context, TransportFactory& transports)
    : loop_(loop), table_(table), stats_(stats), socket_(socket), context_(context), transports_(transports) {
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
      pause(stats::RefusedReason::ConnectionLimit);
      return false;
    }
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Fd socket(::accept4(socket_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      take(std::move(socket), address);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pause(stats::RefusedReason::Descriptors);
      return false;
    }
    // ECONNABORTED and the network errors of accept(2): that client is gone, the next may be fine.
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      expected_ = std::max(accepted, 1U);
      return false;
    }
  }
  return true;
}

void Acceptor::take(Fd socket, const sockaddr_storage& address) {
  const PeerAddress peer = PeerAddress::from(address);
  if (!is_allowed(peer)) return count_refused(stats::RefusedReason::NotAllowed);
  if (!table_.take_address(peer)) return count_refused(stats::RefusedReason::AddressLimit);
  table_.add(context_, transports_.wrap(std::move(socket)), peer);
}

bool Acceptor::is_allowed(const PeerAddress& peer) const {
  if (context_.allowed == nullptr || peer.family == 0) return true;
  return std::find(context_.allowed->begin(), context_.allowed->end(), peer.text()) != context_.allowed->end();
}

void Acceptor::count_refused(stats::RefusedReason reason) {
  stats_.cell(stats::Metric::ConnectionsRefused, static_cast<std::uint16_t>(reason)).add();
}

void Acceptor::pause(stats::RefusedReason reason) {
  if (paused_) return;
  paused_ = true;
  watch_.stop();
  loop_.timers().arm(*this, loop_.now() + kPause);
  count_refused(reason);
  if (!pause_lines_.allow(loop_.now())) return;
  log().warning("accepting paused", {{"reason", reason == stats::RefusedReason::Descriptors
                                                    ? "out of file descriptors: raise LimitNOFILE or ulimit -n"
                                                    : "limits.connections reached"},
                                     {"connections", table_.size()}});
}

void Acceptor::on_timer(TimePoint /*now*/) {
  on_connection_room();
}

void Acceptor::on_connection_room() {
  if (!paused_ || stopped_) return;
  if (table_.full()) {
    loop_.timers().arm(*this, loop_.now() + kPause);
    return;
  }
  paused_ = !watch_.start(loop_, socket_, EPOLLIN, *this);
  if (paused_) loop_.timers().arm(*this, loop_.now() + kPause);
}

}  // namespace holdfast::net
