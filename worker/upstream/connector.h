// A new connection to another server: its addresses are tried in their order, the next one when one refuses or
// takes too long; then TLS, if it is wanted. Owned by one call; told to stop, it tells nothing more.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/fetch.h"
#include "common/endpoint.h"
#include "worker/loop/event_loop.h"
#include "worker/net/tls_outgoing.h"
#include "worker/net/transport.h"

namespace holdfast::upstream {

/// `from` and a duration that may be endless.
TimePoint later(TimePoint from, Duration duration);

class Connector final : private loop::Watcher, private loop::Timer {
 public:
  class Listener {
   public:
    /// Last words, one of both; they must not destroy the connector.
    virtual void on_connected(std::unique_ptr<net::Transport> transport) = 0;
    virtual void on_not_connected(api::FetchFailure why, std::string_view text) = 0;

   protected:
    ~Listener() = default;
  };
  /// For https; without authorities the connection is in clear. Those outlive the transport.
  struct Secure {
    const net::TlsAuthorities* authorities = nullptr;
    std::string host{};
    bool literal = false;
  };

  Connector(loop::EventLoop& loop, Listener& listener, std::vector<Endpoint> addresses, Secure secure,
            TimePoint deadline);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  /// May tell the outcome at once.
  void begin() { try_next(); }
  void stop();

 private:
  void try_next();
  bool try_address(const Endpoint& address);
  void give_up_address(int code);
  void on_established();
  void shake_hands();
  void succeed(std::unique_ptr<net::Transport> transport);
  void fail(api::FetchFailure why, std::string_view text);
  void on_ready(std::uint32_t events) override;
  void on_timer(TimePoint now) override;

  loop::EventLoop& loop_;
  Listener& listener_;
  const std::vector<Endpoint> addresses_;
  const Secure secure_;
  const TimePoint deadline_;
  std::size_t next_ = 0;  // of the addresses
  Fd socket_;
  std::unique_ptr<net::TlsOutgoing> tls_;  // while hands are shaken; has the socket then
  loop::Watch watch_;                      // of the socket, and closed before it
  std::string problem_;                    // of the last address
  bool late_ = false;                      // the last address did not answer
};

}  // namespace holdfast::upstream
