// host -> route -> handler, exceptions and errors -> response, and the account of every exchange: access log
// and metrics. One for each worker; every wire protocol hands its exchanges to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/handler.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/access_log_writer.h"
#include "worker/http/exchange.h"
#include "worker/http/fused_routes.h"
#include "worker/http/request_id.h"
#include "worker/http/router.h"

namespace holdfast::http {

/// Handlers by site and route, in the order of the configuration.
using HandlerTable = std::vector<std::vector<std::unique_ptr<api::Handler>>>;

class Dispatcher final : private ExchangeHost {
 public:
  /// `access_log` may be null. Everything given outlives the dispatcher.
  Dispatcher(const config::Config& config, HandlerTable handlers, stats::WorkerStats& stats,
             const TurnClock& clock, AccessLogWriter* access_log, std::uint32_t slot);
  ~Dispatcher();
  /// What responses of each route pass; before the first request, or never: then nothing is changed.
  void set_filters(FilterTable filters) { filters_ = std::move(filters); }
  /// Who is asked before the handler of each route; before the first request, or never: then nobody.
  void set_guards(GuardTable guards) { guards_ = std::move(guards); }
  /// Of the worker; before the first request. Without, handlers that start timers fail.
  /// Routes that are answered with 503 from now on, and no other.
  void set_fused(std::vector<FusedRoutes::Place> places) { fused_.set(std::move(places)); }
  void set_timers(TimerService& timers) { timers_ = &timers; }
  /// Likewise; without, handlers that accept WebSockets fail.
  void set_websockets(WebSocketService& websockets) { websockets_ = &websockets; }
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// The head is complete and framed: finds the route and calls its handler. `host` is the authority without
  /// port, `body_length` the announced length (refused at once when it is above the route's limit).
  void dispatch(Exchange& exchange);
  /// The request is refused before or instead of a handler; counts the reason and answers with its status
  /// unless the exchange was answered already.
  void refuse(Exchange& exchange, stats::BadRequest why);
  void handler_threw(Exchange& exchange) override;
  /// The last byte was handed over, or (complete = false) the peer left. Called once for every exchange that
  /// was begun.
  void finished(Exchange& exchange, bool complete);

 private:
  struct SiteAccount;

  class Deadline;

  void admitted(Exchange& exchange) override;
  TimerService& timers() override;
  WebSocketService& websockets() override;
  void await_answer(Exchange& exchange);
  void handler_is_late(Exchange& exchange);
  void identify(Exchange& exchange);
  void give_identity(Exchange& exchange);
  bool passes_guards(Exchange& exchange);
  void call(Exchange& exchange);
  void give_up(Exchange& exchange, std::string_view problem);
  bool answer_preflight(Exchange& exchange);
  void answer_options(Exchange& exchange);
  void answer_no_match(Exchange& exchange);
  bool redirects(const Exchange& exchange) const;
  void redirect(Exchange& exchange);
  static void refuse_fused(Exchange& exchange);
  void show_activity(const Exchange& exchange) override;
  void show_no_activity() override {
    shown_ = {};
    stats_.activity().work.show_nothing();
  }
  SiteAccount& account_of(std::uint32_t site);
  void count(const Exchange& exchange, std::uint16_t status, Duration duration);
  void record(Exchange& exchange, std::uint16_t status, Duration duration, bool complete);

  const config::Config& config_;
  /// What stands in the activity now: a request comes by several times, mostly with nobody else in between.
  struct Shown {
    const Exchange* exchange = nullptr;
    const config::Route* route = nullptr;
    TimePoint started{};
    bool operator==(const Shown&) const = default;
  };
  Shown shown_;
  RequestIds request_ids_;
  HandlerTable handlers_;
  FilterTable filters_;  // empty, or of the same sites and routes as the handlers
  GuardTable guards_;    // likewise
  FusedRoutes fused_;
  TimerService* timers_ = nullptr;
  WebSocketService* websockets_ = nullptr;
  Router router_;
  stats::WorkerStats& stats_;
  const TurnClock& clock_;
  AccessLogWriter* access_log_;
  std::uint32_t slot_;
  stats::Cell worker_requests_;
  stats::Cell request_bytes_;
  std::vector<std::unique_ptr<SiteAccount>> sites_;  // the last one: requests without a site
};

}  // namespace holdfast::http
