#include "worker/net/tcp_transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>

namespace holdfast::net {
namespace {

IoResult failure(Io would_block) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {would_block, 0, 0};
  return {Io::Failed, 0, errno};
}

std::size_t total(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

}  // namespace

IoResult TcpTransport::read(std::span<std::byte> room) {
  ssize_t got;
  do {
    got = ::recv(socket_.get(), room.data(), room.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return {Io::Ok, static_cast<std::size_t>(got), 0};
  return got == 0 ? IoResult{Io::End, 0, 0} : failure(Io::WantRead);
}

IoResult TcpTransport::write(std::span<const iovec> pieces, bool more) {
  const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  ssize_t sent;
  do {
    if (pieces.size() == 1) {
      sent = ::send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, flags);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(socket_.get(), &message, flags);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {Io::Ok, static_cast<std::size_t>(sent), 0};
  return failure(Io::WantWrite);
}

IoResult TcpTransport::send_file(std::span<const iovec> head, int file, std::uint64_t offset,
                                 std::size_t length) {
  std::size_t before = 0;
  if (!head.empty()) {
    const IoResult sent = write(head, true);
    if (sent.outcome != Io::Ok || sent.bytes < total(head)) return sent;
    before = sent.bytes;
  }
  auto position = static_cast<off_t>(offset);
  ssize_t sent;
  do {
    sent = ::sendfile(socket_.get(), file, &position, length);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {Io::Ok, before + static_cast<std::size_t>(sent), 0};
  const IoResult problem = failure(Io::WantWrite);
  return before > 0 && problem.outcome != Io::Failed ? IoResult{Io::Ok, before, 0} : problem;
}

std::uint32_t TcpTransport::unsent() const {
  int bytes = 0;
  return ::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint32_t>(bytes) : 0;
}

void TcpTransport::end_writing(bool peer_ended) {
  if (!peer_ended) ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace holdfast::net
