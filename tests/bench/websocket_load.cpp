// Echo load over WebSockets: each connection sends one masked message, waits for its echo, compares it byte by
// byte, and sends again. With --raw there is no handshake, and the very bytes of the frame are expected back:
// the yardstick of a loop that only echoes.
//
//   websocket_load HOST:PORT --size BYTES --connections COUNT --seconds SECONDS [--raw]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"

namespace holdfast::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::size_t size = 64;
  std::size_t connections = 64;
  double seconds = 1;
  bool raw = false;
};

std::string frame(std::size_t size, bool masked) {
  constexpr std::string_view kKey("\x37\xfa\x21\x3d", 4);
  std::string bytes("\x82", 1);
  const auto mask_bit = masked ? 0x80U : 0U;
  const auto put = [&](std::uint64_t number, int count) {
    for (int shift = 8 * (count - 1); shift >= 0; shift -= 8)
      bytes += static_cast<char>(number >> shift & 0xff);
  };
  if (size < 126) {
    put(mask_bit | size, 1);
  } else if (size < 65536) {
    put(mask_bit | 126, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127, 1);
    put(size, 8);
  }
  if (masked) bytes += kKey;
  for (std::size_t i = 0; i < size; ++i)
    bytes += static_cast<char>((i * 7 % 251) ^ (masked ? static_cast<unsigned char>(kKey[i % 4]) : 0U));
  return bytes;
}

class Connection {
 public:
  bool connect(const Options& options) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
    const int one = 1;
    setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return false;
    return options.raw || shake_hands();
  }
  int fd() const { return socket_.get(); }
  bool send(std::string_view bytes) {
    got_ = 0;
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// 1: the echo is complete, 0: not yet, -1: it is none.
  int receive(std::string_view expected, std::vector<char>& room) {
    const ssize_t got = ::recv(fd(), room.data(), room.size(), 0);
    if (got <= 0) return -1;
    const std::string_view bytes(room.data(), static_cast<std::size_t>(got));
    if (bytes != expected.substr(got_, bytes.size())) return -1;
    got_ += bytes.size();
    return got_ == expected.size() ? 1 : 0;
  }

 private:
  bool shake_hands() {
    if (!send("GET /echo HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
      return false;
    std::string head;
    for (char c; head.find("\r\n\r\n") == std::string::npos; head += c)
      if (::recv(fd(), &c, 1, 0) != 1) return false;
    return head.starts_with("HTTP/1.1 101 ");
  }

  Fd socket_;
  std::size_t got_ = 0;
};

int fail(const char* problem) {
  std::printf("{\"requests\": 0, \"errors\": 1, \"first_error\": \"%s\"}\n", problem);
  return 1;
}

int run(const Options& options) {
  const std::string sent = frame(options.size, true);
  const std::string expected = options.raw ? sent : frame(options.size, false);
  std::vector<Connection> connections(options.connections);
  std::vector<char> room(256 * 1024);
  const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < connections.size(); ++i) {
    if (!connections[i].connect(options)) return fail("cannot connect");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connections[i].fd(), &event);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  std::getchar();
  std::uint64_t echoes = 0;
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  for (Connection& connection : connections)
    if (!connection.send(sent)) return fail("cannot send");
  std::array<epoll_event, 256> events;
  auto now = begin;
  for (std::size_t waiting = connections.size(); waiting > 0;) {
    const int count = epoll_wait(epoll.get(), events.data(), events.size(), 5000);
    if (count <= 0) return fail("no echo for five seconds");
    now = Clock::now();
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections[events[static_cast<std::size_t>(i)].data.u64];
      const int came = connection.receive(expected, room);
      if (came < 0) return fail("the echo is not what was sent");
      if (came == 0) continue;
      ++echoes;
      if (now >= end) {
        --waiting;
      } else if (!connection.send(sent)) {
        return fail("cannot send");
      }
    }
  }
  const double took = std::chrono::duration<double>(now - begin).count();
  const double mean = took * 1e6 * static_cast<double>(connections.size()) / static_cast<double>(echoes);
  std::printf(
      "{\"requests\": %llu, \"errors\": 0, \"first_error\": \"\", \"requests_per_second\": %.1f, "
      "\"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
      static_cast<unsigned long long>(echoes), static_cast<double>(echoes) / took, took, mean, mean);
  return 0;
}

bool parse(int count, char** arguments, Options& options) {
  if (count < 2) return false;
  const std::string_view address = arguments[1];
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  options.host = address.substr(0, colon);
  options.port = static_cast<std::uint16_t>(std::atoi(arguments[1] + colon + 1));
  for (int i = 2; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--raw") {
      options.raw = true;
      continue;
    }
    if (++i == count) return false;
    if (name == "--size") options.size = std::strtoull(arguments[i], nullptr, 10);
    if (name == "--connections") options.connections = std::strtoull(arguments[i], nullptr, 10);
    if (name == "--seconds") options.seconds = std::atof(arguments[i]);
  }
  return options.connections > 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  holdfast::bench::Options options;
  if (!holdfast::bench::parse(count, arguments, options)) {
    std::fputs(
        "usage: websocket_load HOST:PORT [--size BYTES] [--connections COUNT] [--seconds SECONDS] [--raw]\n",
        stderr);
    return 64;
  }
  return holdfast::bench::run(options);
}
