// Thousands of connections that send or read as slowly as they can, in four styles: the disturbance of
// endurance.py. One byte a peer every one and a half seconds, spread evenly over that time, so that the driver
// takes little of the processor that it shares with the ordinary clients, and no more at one moment than at
// another.
//
//   slow_peers PORT CONNECTIONS     "ready" when they stand; begins at a line on standard input
//
// Prints a line of JSON a style: how many the server ended, when, by what, and how many were left at last.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"

namespace holdfast::bench {
namespace {

constexpr double kPace = 1.5;      // seconds between two bytes of a peer
constexpr double kPatience = 90;   // seconds after which a peer counts as not ended at all
constexpr std::size_t kBurst = 4;  // peers stepped without a pause
constexpr int kTinyWindow = 4096;

struct Style {
  const char* name;
  const char* request;
  bool sends;         // a byte at each step
  bool reads_slowly;  // a byte at each step, else all there is
};
constexpr std::array<Style, 4> kStyles{{
    {"slow head", "GET / HTTP/1.1\r\nHost: x\r\nX: ", true, false},
    {"slow body", "POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", true, false},
    {"slow reader", "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n", false, true},
    {"idle", "GET /small.html HTTP/1.1\r\nHost: x\r\n\r\n", false, false},
}};

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// A clock that ticks at an even pace; next() waits for the next tick.
class Ticks {
 public:
  explicit Ticks(double seconds) : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    const auto nanoseconds = static_cast<long>(seconds * 1e9);
    itimerspec pace{};
    pace.it_interval = pace.it_value = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    timerfd_settime(fd_.get(), 0, &pace, nullptr);
  }
  void next() {
    std::uint64_t passed = 0;
    if (::read(fd_.get(), &passed, sizeof passed) < 0) std::perror("slow_peers: clock");
  }

 private:
  Fd fd_;
};

sockaddr_in loopback(std::uint32_t address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(address);
  return name;
}

class Peer {
 public:
  /// `number` chooses style and address: more ports are needed than one address has.
  Peer(std::size_t number, std::uint16_t port)
      : style_(kStyles[number % kStyles.size()]),
        fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        begun_(now()) {
    if (style_.reads_slowly) setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kTinyWindow, sizeof kTinyWindow);
    const sockaddr_in own =
        loopback(0x7f000101 + static_cast<std::uint32_t>(number / kStyles.size() % 8 << 8), 0);
    const sockaddr_in server = loopback(INADDR_LOOPBACK, port);
    const std::string_view request = style_.request;
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        connect(fd_.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 ||
        send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
      std::perror("slow_peers: connect");
      std::exit(1);
    }
  }

  const Style& style() const { return style_; }
  bool ended() const { return !fd_; }
  double life() const { return ended_ - begun_; }
  /// The status that was answered, if any, and how the connection ended.
  std::string cause() const { return status_.size() >= 12 ? status_.substr(9, 3) + " and " + how_ : how_; }

  void step() {
    const bool refused =
        style_.sends && send(fd_.get(), "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN;
    while (read() && !style_.reads_slowly) continue;
    if (ended()) return;
    // A reset is seen behind what still waits to be read, which is long for who reads slowly.
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (refused || error != 0) end("reset");
  }

 private:
  /// One piece; false when there is none.
  bool read() {
    static std::array<char, 65536> room;
    const ssize_t got = recv(fd_.get(), room.data(), style_.reads_slowly ? 1 : room.size(), MSG_DONTWAIT);
    if (got > 0) {
      if (status_.size() < 12)
        status_.append(room.data(), std::min<std::size_t>(static_cast<std::size_t>(got), 12));
      return true;
    }
    if (got == 0)
      end("close");
    else if (errno != EAGAIN)
      end("reset");
    return false;
  }

  void end(const char* how) {
    ended_ = now();
    how_ = how;
    fd_.reset();
  }

  const Style& style_;
  Fd fd_;
  double begun_;
  double ended_ = 0;
  std::string status_;
  std::string how_;
};

/// Until the server has ended them all, or patience has ended.
void step_all(std::vector<Peer>& peers) {
  const double give_up = now() + kPatience;
  Ticks ticks(kPace * kBurst / static_cast<double>(peers.size()));
  for (std::size_t left = peers.size(); left > 0 && now() < give_up;) {
    left = 0;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (!peers[i].ended()) peers[i].step();
      if (!peers[i].ended()) ++left;
      if (i % kBurst == 0) ticks.next();
    }
  }
}

void tell(const std::vector<Peer>& peers, const Style& style) {
  std::size_t ended = 0, left = 0;
  double first = kPatience, last = 0;
  std::map<std::string, std::size_t> causes;
  for (const Peer& peer : peers) {
    if (&peer.style() != &style) continue;
    ++(peer.ended() ? ended : left);
    if (!peer.ended()) continue;
    first = std::min(first, peer.life());
    last = std::max(last, peer.life());
    ++causes[peer.cause()];
  }
  std::printf(R"({"style": "%s", "ended": %zu, "left": %zu, "first": %.1f, "last": %.1f, "causes": {)",
              style.name, ended, left, first, last);
  const char* separator = "";
  for (const auto& [cause, count] : causes) {
    std::printf(R"(%s"%s": %zu)", separator, cause.c_str(), count);
    separator = ", ";
  }
  std::printf("}}\n");
}

int run(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: slow_peers PORT CONNECTIONS\n", stderr);
    return 2;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<Peer> peers;
  for (std::size_t i = 0, count = std::strtoul(argv[2], nullptr, 10); i < count; ++i)
    peers.emplace_back(i, static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
  std::printf("ready\n");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  step_all(peers);
  for (const Style& style : kStyles) tell(peers, style);
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  return holdfast::bench::run(argc, argv);
}
