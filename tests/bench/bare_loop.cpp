// The floor: what one epoll loop costs that answers ready-made bytes and never parses. It counts empty lines,
// nothing else, and expects a request to arrive in one piece, as the load generator sends it. Listens on
// kernel-chosen ports of 127.0.0.1 and prints one line for each: "small PORT", "small-close PORT", "hello
// PORT", "echo PORT"; the last one sends back what comes.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"

namespace holdfast::bench {
namespace {

constexpr unsigned kCopies =
    64;  // responses kept in a row, so that pipelined requests are answered by one call

std::string ready_made(std::string_view type, std::string_view body, std::string_view connection) {
  std::string one = "HTTP/1.1 200 OK\r\nServer: bare\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: ";
  one.append(type).append("\r\nContent-Length: ").append(std::to_string(body.size()));
  one.append(
      "\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"68a1c0de-400\"\r\nAccept-Ranges: bytes\r\n");
  one.append(connection).append("\r\n").append(body);
  return one;
}

/// What one listener answers, always the same.
struct Answer {
  Fd listener;
  std::string copies;
  std::size_t size = 0;
  bool close = false;
};

/// One watched descriptor; a connection's index is its descriptor.
struct Watched {
  const Answer* answer = nullptr;
  bool listening = false;
};

class BareLoop {
 public:
  BareLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(64 * 1024) { answers_.reserve(4); }

  bool listen(const char* name, std::string_view type, std::string_view body, bool close) {
    Answer answer;
    const auto one = ready_made(type, body, close ? "Connection: close\r\n" : "");
    for (unsigned i = 0; i < kCopies; ++i) answer.copies += one;
    answer.size = one.size();
    answer.close = close;
    return listen(name, std::move(answer));
  }
  bool listen_echo() { return listen("echo", Answer{}); }
  bool listen(const char* name, Answer answer) {
    answer.listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const int fd = answer.listener.get();
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) < 0 || ::listen(fd, 4096) < 0)
      return false;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    answers_.push_back(std::move(answer));
    watch(fd, {&answers_.back(), true});
    std::printf("%s %u\n", name, ntohs(address.sin_port));
    return true;
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    while (true) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        const Watched watched = watched_[static_cast<std::size_t>(fd)];
        if (watched.listening)
          accept_all(fd, *watched.answer);
        else
          serve(fd, *watched.answer);
      }
    }
  }

 private:
  void watch(int fd, Watched watched) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= watched_.size()) watched_.resize(index + 1024);
    watched_[index] = watched;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all(int listener, const Answer& answer) {
    for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
      watch(fd, {&answer, false});
  }

  void serve(int fd, const Answer& answer) {
    const auto got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      close(fd);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (answer.size == 0) return echo(fd, bytes);
    std::size_t requests = 0;
    for (auto at = bytes.find("\r\n\r\n"); at != std::string_view::npos; at = bytes.find("\r\n\r\n", at + 4))
      ++requests;
    const auto count = std::min<std::size_t>(requests, kCopies);
    if (send(fd, answer.copies.data(), count * answer.size, MSG_NOSIGNAL) < 0 || answer.close) close(fd);
  }

  /// Messages of clients that wait for their echo fit into the socket's buffer.
  static void echo(int fd, std::string_view bytes) {
    if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) close(fd);
  }

  Fd epoll_;
  std::vector<char> buffer_;
  std::vector<Answer> answers_;  // never grows beyond its reserve: connections point into it
  std::vector<Watched> watched_;
};

int run() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  BareLoop loop;
  const std::string body(1024, 'x');
  if (!loop.listen("small", "text/html", body, false) || !loop.listen("small-close", "text/html", body, true) ||
      !loop.listen("hello", "application/json", "{\"message\":\"Hello, world!\"}\n", false) ||
      !loop.listen_echo())
    return 71;
  std::fflush(stdout);
  loop.run();
}

}  // namespace
}  // namespace holdfast::bench

int main() {
  return holdfast::bench::run();
}
