// What all WebSockets of a worker share: their handshakes, scratch memory, counters, and the walk that sends
// them away when the worker leaves.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "common/stats/worker_stats.h"
#include "worker/http/exchange.h"
#include "worker/http/exchange_host.h"
#include "worker/websocket/deflate_offer.h"
#include "worker/websocket/handshake.h"

namespace holdfast::websocket {

class Session;

class Service final : public http::WebSocketService, private api::TimerListener {
 public:
  /// Both outlive the service, which outlives its sessions.
  Service(http::TimerService& timers, stats::WorkerStats& stats);
  ~Service();

  bool accept(http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener) override;

  /// Every conversation ends with 1001: from `wait` after `now` on, evenly spread over the time `spread`, so
  /// that clients do not all come back at once. May be called again with shorter times.
  void begin_drain(TimePoint now, Duration wait, Duration spread);
  std::size_t open() const { return count_; }
  static constexpr Milliseconds kFarewellStep{50};
  /// How many of `open` conversations are to end now, when the next ones end kFarewellStep later and all of
  /// them within the time `left`.
  static std::size_t farewells_due(std::size_t open, Duration left);

  // -- for sessions
  http::TimerService& timers() { return timers_; }
  /// For one message; given back empty.
  std::string& packed() { return packed_; }
  void enter(Session& session);
  void leave(Session& session);
  void count_received() { received_.add(); }
  void count_sent() { sent_.add(); }

 private:
  void refuse(http::Exchange& exchange, const HandshakeRefusal& refusal);
  void open_session(http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener,
                    const Handshake& handshake, const DeflateNegotiation& deflate);
  void on_timer() override;
  void go_on_draining();
  void send_away(std::size_t most);

  http::TimerService& timers_;
  stats::Cell connections_;
  stats::Cell received_;
  stats::Cell sent_;
  std::string packed_;
  Session* first_ = nullptr;  // of those that are open
  std::size_t count_ = 0;
  bool draining_ = false;
  TimePoint now_{};
  TimePoint drained_by_{};
  std::unique_ptr<api::TimerHold> next_;
};

}  // namespace holdfast::websocket
