#include "worker/upstream/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/net/tcp_transport.h"

namespace holdfast::upstream {

using api::FetchFailure;

TimePoint later(TimePoint from, Duration duration) {
  return duration >= kNever - from ? kNever : from + duration;
}

Connector::Connector(loop::EventLoop& loop, Listener& listener, std::vector<Endpoint> addresses, Secure secure,
                     TimePoint deadline)
    : loop_(loop),
      listener_(listener),
      addresses_(std::move(addresses)),
      secure_(std::move(secure)),
      deadline_(deadline) {}

void Connector::stop() {
  watch_.stop();
  loop_.timers().cancel(*this);
  tls_.reset();
  socket_.reset();
}

void Connector::try_next() {
  while (next_ < addresses_.size())
    if (try_address(addresses_[next_++])) return;
  fail(late_ ? FetchFailure::TimedOut : FetchFailure::Refused, problem_);
}

// The time that is left is shared by the addresses that are left, so that a dead one does not take all of it.
bool Connector::try_address(const Endpoint& address) {
  late_ = false;
  socket_ = Fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) {
    give_up_address(errno);
    return false;
  }
  const int one = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(socket_.get(), address.address(), address.length()) != 0 && errno != EINPROGRESS) {
    give_up_address(errno);
    return false;
  }
  if (Result<void> watched =
          watch_.start(loop_, socket_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
      !watched) {
    give_up_address(watched.error().system_code);
    return false;
  }
  const auto left = static_cast<Duration::rep>(addresses_.size() - next_ + 1);
  loop_.timers().arm(*this, deadline_ == kNever ? kNever : loop_.now() + (deadline_ - loop_.now()) / left);
  return true;
}

void Connector::give_up_address(int code) {
  problem_ = addresses_[next_ - 1].text() + ": " + std::strerror(code);
  watch_.stop();
  socket_.reset();
}

void Connector::on_ready(std::uint32_t /*events*/) {
  if (tls_) return shake_hands();
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code == 0) return on_established();
  give_up_address(code);
  try_next();
}

void Connector::on_timer(TimePoint /*now*/) {
  if (tls_) return fail(FetchFailure::TimedOut, "the TLS handshake took too long");
  give_up_address(ETIMEDOUT);
  late_ = true;
  try_next();
}

void Connector::on_established() {
  if (secure_.authorities == nullptr) return succeed(std::make_unique<net::TcpTransport>(std::move(socket_)));
  loop_.timers().arm(*this, deadline_);
  tls_ = std::make_unique<net::TlsOutgoing>(std::move(socket_),
                                            secure_.authorities->connect(secure_.host, secure_.literal));
  shake_hands();
}

void Connector::shake_hands() {
  switch (tls_->handshake().outcome) {
    case net::Io::Ok:
      return succeed(std::move(tls_));
    case net::Io::WantRead:
    case net::Io::WantWrite:
      return;
    case net::Io::End:
    case net::Io::Failed:
      break;
  }
  fail(FetchFailure::TlsRefused, "TLS: " + tls_->problem());
}

void Connector::succeed(std::unique_ptr<net::Transport> transport) {
  watch_.stop();
  loop_.timers().cancel(*this);
  listener_.on_connected(std::move(transport));
}

void Connector::fail(FetchFailure why, std::string_view text) {
  const std::string kept(text);
  stop();
  listener_.on_not_connected(why, kept);
}

}  // namespace holdfast::upstream
