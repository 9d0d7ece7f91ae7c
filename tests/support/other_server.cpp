#include "tests/support/other_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "common/ascii.h"
#include "tests/support/deadline.h"

namespace holdfast::support {
namespace {

constexpr Milliseconds kPatient{10'000};

bool wait_for(int fd, short events, Milliseconds in) {
  const Deadline deadline(in);
  pollfd ready{fd, events, 0};
  return ::poll(&ready, 1, deadline.milliseconds_left()) == 1;
}

std::size_t content_length(std::string_view head) {
  const std::string lowered = ascii_lowered(head);
  const std::size_t at = lowered.find("\r\ncontent-length: ");
  if (at == std::string::npos) return 0;
  const std::string_view value = std::string_view(lowered).substr(at + 18);
  return parse_decimal(value.substr(0, value.find('\r'))).value_or(0);
}

}  // namespace

bool OtherConnection::fill() {
  if (!wait_for(socket_.get(), POLLIN, kPatient)) return false;
  char room[65536];
  const ssize_t got = ::recv(socket_.get(), room, sizeof room, 0);
  if (got <= 0) return false;
  arrived_.append(room, static_cast<std::size_t>(got));
  return true;
}

std::string OtherConnection::receive_request() {
  std::size_t end;
  while ((end = arrived_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return std::exchange(arrived_, "");
  const std::size_t size = end + 4 + content_length(std::string_view(arrived_).substr(0, end + 2));
  while (arrived_.size() < size)
    if (!fill()) return std::exchange(arrived_, "");
  std::string request = arrived_.substr(0, size);
  arrived_.erase(0, size);
  return request;
}

void OtherConnection::send(std::string_view bytes) {
  send_until_stuck(bytes, kPatient);
}

std::size_t OtherConnection::send_until_stuck(std::string_view bytes, Milliseconds in) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    pollfd ready{socket_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(in.count())) != 1) break;
    const ssize_t part =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (part <= 0) break;
    sent += static_cast<std::size_t>(part);
  }
  return sent;
}

bool OtherConnection::closed_within(Milliseconds in) {
  const Deadline deadline(in);
  while (!deadline.passed()) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, deadline.milliseconds_left()) != 1) return false;
    char room[4096];
    if (::recv(socket_.get(), room, sizeof room, MSG_DONTWAIT) <= 0) return true;
  }
  return false;
}

void OtherConnection::reset() {
  const linger hard{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  socket_.reset();
}

OtherServer::OtherServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(socket_.get(), 64) != 0)
    return;
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

std::string OtherServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

OtherConnection OtherServer::accept(Milliseconds in) {
  if (!wait_for(socket_.get(), POLLIN, in)) return OtherConnection(Fd());
  return OtherConnection(Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

bool OtherServer::idle() const {
  pollfd ready{socket_.get(), POLLIN, 0};
  return ::poll(&ready, 1, 0) == 0;
}

}  // namespace holdfast::support
