#include "common/control_message.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace holdfast {
namespace {

struct Wire {
  ControlKind kind;
  std::uint8_t has_first;
  std::uint8_t has_second;
  std::uint8_t unused;
  std::uint32_t text_length;
  std::uint64_t value;
  char text[ControlMessage::kTextLimit];
};
static_assert(sizeof(Wire) == 496);

void take_files(msghdr& header, const Wire& wire, ControlMessage& message) {
  std::array<int, 2> passed{-1, -1};
  std::size_t count = 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    count = std::min<std::size_t>((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), passed.size());
    std::memcpy(passed.data(), CMSG_DATA(c), count * sizeof(int));
  }
  std::size_t next = 0;
  if (wire.has_first != 0 && next < count) message.first_file = Fd(passed[next++]);
  if (wire.has_second != 0 && next < count) message.second_file = Fd(passed[next++]);
  while (next < count) Fd(passed[next++]).reset();
}

}  // namespace

Result<std::pair<Fd, Fd>> make_control_channel() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return system_error(errno, "make a control channel" + std::string(limit_behind(errno)));
  return std::pair{Fd(ends[0]), Fd(ends[1])};
}

Result<void> send_control(int channel, ControlKind kind, std::uint64_t value, std::string_view text,
                          int first_file, int second_file) {
  Wire wire{};
  wire.kind = kind;
  wire.value = value;
  wire.text_length = static_cast<std::uint32_t>(std::min(text.size(), ControlMessage::kTextLimit));
  text.copy(wire.text, wire.text_length);
  wire.has_first = first_file >= 0;
  wire.has_second = second_file >= 0;

  iovec piece{&wire, sizeof wire};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))] = {};
  std::array<int, 2> passed{};
  std::size_t count = 0;
  if (first_file >= 0) passed[count++] = first_file;
  if (second_file >= 0) passed[count++] = second_file;
  if (count > 0) {
    header.msg_control = room;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), passed.data(), count * sizeof(int));
  }
  while (sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return system_error(errno, "send a control message");
  }
  return {};
}

Received receive_control(int channel, ControlMessage& message) {
  Wire wire{};
  iovec piece{&wire, sizeof wire};
  alignas(cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  ssize_t got;
  do {
    got = recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Received::Nothing : Received::EndOfFile;
  if (got == 0) return Received::EndOfFile;
  message = ControlMessage{};
  take_files(header, wire, message);
  if (got != sizeof wire || wire.text_length > ControlMessage::kTextLimit) return Received::Broken;
  message.kind = wire.kind;
  message.value = wire.value;
  message.text.assign(wire.text, wire.text_length);
  return Received::Message;
}

}  // namespace holdfast
