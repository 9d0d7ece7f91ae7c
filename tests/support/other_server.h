// The server at the other end of an outgoing call, played by the test: it accepts, reads and says what the test
// wants, byte by byte if need be. Each wait has a time limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/fd.h"

namespace holdfast::support {

/// One connection that was accepted.
class OtherConnection {
 public:
  explicit OtherConnection(Fd socket) : socket_(std::move(socket)) {}

  /// Empty: nobody has connected in time.
  bool connected() const { return static_cast<bool>(socket_); }
  /// The head of a request with its empty line, and the body by its Content-Length; as far as it came.
  std::string receive_request();
  void send(std::string_view bytes);
  /// Sends what is taken until `in` has passed without progress; returns how much that was.
  std::size_t send_until_stuck(std::string_view bytes, Milliseconds in);
  /// The peer has closed, in time.
  bool closed_within(Milliseconds in);
  void end() { socket_.reset(); }
  /// Ends with a reset in place of an orderly end.
  void reset();

 private:
  bool fill();

  Fd socket_;
  std::string arrived_;
};

class OtherServer {
 public:
  OtherServer();
  std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:PORT" and `target`.
  std::string url(std::string_view target = "/") const;
  OtherConnection accept(Milliseconds in = std::chrono::seconds(10));
  /// Nobody waits to be accepted.
  bool idle() const;

 private:
  Fd socket_;
  std::uint16_t port_ = 0;
};

}  // namespace holdfast::support
