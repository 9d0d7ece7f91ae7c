// What a connection drives: HTTP/1, HTTP/2 and WebSocket sessions implement this. The connection moves bytes
// and keeps time; the protocol gives them meaning. Data flows one way: bytes up, calls for more room up, pieces
// down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/clock.h"

namespace holdfast::net {

class Connection;

enum class Drain : std::uint8_t {
  Gently,  // answer what comes within the grace window, then close
  Soon     // the same with a much shorter window
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  /// Takes input; returns how much was used. The rest is kept by the connection and offered again, with what
  /// follows it, after more arrived or after Connection::resume().
  virtual std::size_t on_bytes(std::span<const std::byte> input) = 0;
  /// False stops reading from the peer: that is the back-pressure of a request body.
  virtual bool wants_bytes() const = 0;
  /// The peer has ended its side; what it asked for is still answered.
  virtual void on_end() = 0;
  /// The peer has ended its side while no input was wanted; more of it may still wait to be read. on_end()
  /// comes all the same, once all of that was used.
  virtual void on_hang_up() {}
  /// The output queue is under its low mark. Returns whether something was added.
  virtual bool on_room() = 0;
  /// The deadline given to Connection::set_deadline has passed.
  virtual void on_timeout(TimePoint now) = 0;
  virtual void begin_drain(Drain how) = 0;
  /// A few words for log lines: "reading request head", "sending response".
  virtual std::string_view activity() const = 0;
};

/// Makes the first protocol of a connection, by what ALPN chose (empty: nothing was negotiated).
class ProtocolFactory {
 public:
  virtual std::unique_ptr<Protocol> make(Connection& connection, std::string_view application_protocol) = 0;
  /// What the client has sent first may belong to another protocol than make() has chosen: that one, or null.
  /// Asked until the first has used something.
  virtual std::unique_ptr<Protocol> instead(Connection& /*connection*/, std::span<const std::byte> /*first*/) {
    return nullptr;
  }

 protected:
  ~ProtocolFactory() = default;
};

}  // namespace holdfast::net
