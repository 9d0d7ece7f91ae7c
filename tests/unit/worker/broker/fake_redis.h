// A Redis server's place, held by a test: it takes connections and says what the test wants, right or wrong. In
// the test's thread; whatever it waits for comes by turns of the loop.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "worker/broker/redis_address.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broker {

class FakeRedis {
 public:
  FakeRedis() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    (void)::listen(listener_.get(), 8);
    address_.size = sizeof address_.storage;
    (void)::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_.storage), &address_.size);
  }
  const RedisAddress& address() const { return address_; }
  std::uint16_t port() const {
    sockaddr_in at{};
    std::memcpy(&at, &address_.storage, sizeof at);
    return ntohs(at.sin_port);
  }
  /// The next connection; turns the loop until it comes.
  Fd accept(loop::EventLoop& loop) const {
    for (;;) {
      Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer) return peer;
      loop.turn();
    }
  }
  /// Nobody listens any more.
  void leave() { listener_.reset(); }

 private:
  Fd listener_;
  RedisAddress address_;
};

/// What comes, as it comes; turns the loop until `end` is part of it, or the connection has ended.
inline std::string read_until(loop::EventLoop& loop, const Fd& peer, std::string_view end) {
  std::string all;
  while (all.find(end) == std::string::npos) {
    char piece[4096];
    const ssize_t got = ::recv(peer.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (got > 0)
      all.append(piece, static_cast<std::size_t>(got));
    else if (got == 0)
      return all + "(end)";
    else
      loop.turn();
  }
  return all;
}

inline void say(const Fd& peer, std::string_view text) {
  (void)::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

/// Text as a reply carries it.
inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace holdfast::broker
