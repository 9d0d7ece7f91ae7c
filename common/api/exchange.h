// One request and its response, whatever the HTTP version. Owned by the wire protocol; a handler gets it by
// reference and may use it until it has answered and the answer is sent, or the client has left: then
// everything attached to it is destroyed. An abstract class because it is the binary interface of loadable
// handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string_view>

#include "common/api/body.h"
#include "common/api/request.h"
#include "common/api/websocket.h"
#include "common/clock.h"

namespace holdfast::api {

/// A handler's own state for one exchange. Its destructor runs when the exchange ends, also when the client has
/// left.
class ExchangeState {
 public:
  virtual ~ExchangeState() = default;
};

/// Told when a timer is due. Owned by the handler's state. An exception becomes a 500.
class TimerListener {
 public:
  virtual void on_timer() = 0;

 protected:
  ~TimerListener() = default;
};

/// A started timer; destroying it cancels it, also from within on_timer().
class TimerHold {
 public:
  virtual ~TimerHold() = default;
};

/// Head of a response. Views need to live for the call of respond() only. Never set here: Date, Server,
/// Connection, Content-Length, Transfer-Encoding, which are the core's.
struct ResponseHead {
  std::uint16_t status = 200;
  std::span<const Field> fields{};
  bool as_is = false;  // the handler itself has seen to coding and Vary: the core does not compress the body
  /// `fields` once more as they are sent, "Name: value CRLF" each, from who keeps them so for many responses.
  /// Taken as it is while no filter changes the fields; empty: written from `fields`.
  std::string_view text{};
};

class Exchange {
 public:
  virtual const Request& request() const = 0;

  /// Answers, exactly once. For HEAD the handler answers as for GET; the core keeps the fields and drops the
  /// body.
  virtual void respond(const ResponseHead& head, Body body) = 0;
  /// Answers with the standard page for a status; `fields` are added (Allow, Retry-After ...).
  virtual void fail(std::uint16_t status, std::span<const Field> fields = {}) = 0;

  /// Asks for the request body: at most `credit` bytes reach `sink` until more is granted. Without this call
  /// the body is discarded after the answer, within limits.
  virtual void receive_body(BodySink& sink, std::size_t credit) = 0;
  /// Gives `bytes` of credit back, after they were consumed.
  virtual void grant(std::size_t bytes) = 0;
  /// The sink is not called any more; what is left of the body is discarded.
  virtual void drop_body() = 0;
  /// Resumes a BodySource that said Pull::Later.
  virtual void body_ready() = 0;

  /// Answers the handshake of a WebSocket (RFC 6455 section 4.2, RFC 8441) and gives the connection, or the
  /// stream, to the listener, which is told at once that it is open. False: the request asks for none, or not
  /// as it should, and is answered with that; the listener is gone.
  virtual bool accept_websocket(std::unique_ptr<WebSocketListener> listener) = 0;

  /// Hands the handler's state over to the exchange, which destroys it at its end: what was attached first goes
  /// first.
  virtual void attach(std::unique_ptr<ExchangeState> state) = 0;
  /// Calls the listener once, at `when` or up to 16 ms later. The hold may live as long as the exchange, not
  /// longer.
  [[nodiscard]] virtual std::unique_ptr<TimerHold> start_timer(TimePoint when, TimerListener& listener) = 0;
  /// In a catch block: what a handler does later than in handle() has ended with this exception, which is
  /// logged; the client gets a 500, or sees that the answer it was getting is not whole.
  virtual void handler_threw() noexcept = 0;
  /// Whether respond() or fail() was called.
  virtual bool answered() const = 0;
  /// Memory that lives as long as the exchange.
  virtual std::span<std::byte> allocate(std::size_t bytes) = 0;

  /// The client's address without port: "192.0.2.1", "2001:db8::1", "unix".
  virtual std::string_view peer_address() = 0;
  /// What identifies the request in logs; empty when the configuration asks for none.
  virtual std::string_view request_id() const = 0;
  /// The loop's steady time of this turn, and the wall clock in whole seconds.
  virtual TimePoint now() const = 0;
  virtual std::time_t wall_seconds() const = 0;

  /// A field that follows the body of the response (RFC 9110 section 6.5): what is known only when all of it
  /// was made, such as a digest. Copied; to be called before the body's end. It reaches clients of HTTP/2, and
  /// those of HTTP/1.1 that said `TE: trailers` when the body has no length known beforehand; others do without
  /// it, so nothing may depend on it. A name that may not stand there (section 6.5.1: framing, routing,
  /// authentication, content, controls) is refused with a line in the log. A field `Trailer` in the head
  /// announces it, if the handler sets one.
  virtual void add_trailer(std::string_view name, std::string_view value) = 0;
  /// What followed the body of the request, without what may not stand there; complete when the sink is told
  /// the body's end. Never part of request().fields: whoever uses them must know that they came last.
  virtual std::span<const Field> request_trailers() const = 0;

 protected:
  ~Exchange() = default;
};

}  // namespace holdfast::api
