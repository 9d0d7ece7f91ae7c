// What an exchange asks of the dispatcher that has it, and what that one has from the worker.
#pragma once

#include <memory>

#include "common/api/exchange.h"
#include "common/clock.h"

namespace holdfast::http {

class Exchange;

class TimerService {
 public:
  /// As api::Exchange::start_timer(), but for exceptions, which must not leave on_timer().
  virtual std::unique_ptr<api::TimerHold> start(TimePoint when, api::TimerListener& listener) = 0;

 protected:
  ~TimerService() = default;
};

/// Whoever has taken a connection over from an exchange.
class Tunnel {
 public:
  /// The handler has thrown; it was logged.
  virtual void handler_failed() noexcept = 0;

 protected:
  ~Tunnel() = default;
};

class WebSocketService {
 public:
  /// As api::Exchange::accept_websocket().
  virtual bool accept(Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener) = 0;

 protected:
  ~WebSocketService() = default;
};

class ExchangeHost {
 public:
  /// A guard that said Later lets the exchange pass.
  virtual void admitted(Exchange& exchange) = 0;
  /// A handler's sink, source, timer or work threw; called in the catch block. Logs it, answers 500 or resets
  /// what was begun.
  virtual void handler_threw(Exchange& exchange) = 0;
  virtual TimerService& timers() = 0;
  virtual WebSocketService& websockets() = 0;
  /// Its handler is about to go on: a worker that dies now, dies of this exchange.
  virtual void show_activity(const Exchange& exchange) = 0;
  /// No handler is at work any more.
  virtual void show_no_activity() = 0;

 protected:
  ~ExchangeHost() = default;
};

}  // namespace holdfast::http
