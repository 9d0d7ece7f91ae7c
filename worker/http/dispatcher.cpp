#include "worker/http/dispatcher.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "common/log.h"
#include "worker/http/cors_rules.h"
#include "worker/http/message_framing.h"

namespace holdfast::http {
namespace {

constexpr std::uint16_t kClientLeft = 499;

/// RFC 8470 section 5.1: handlers are told.
void mark_early(Exchange& exchange) {
  api::Request& request = exchange.mutable_request();
  const std::span<std::byte> room = exchange.allocate((request.fields.size() + 1) * sizeof(api::Field));
  auto* const fields = reinterpret_cast<api::Field*>(room.data());
  std::uninitialized_copy(request.fields.begin(), request.fields.end(), fields);
  new (fields + request.fields.size()) api::Field{"Early-Data", "1"};
  request.fields = {fields, request.fields.size() + 1};
}

/// What a replay could do no harm with: safe methods (RFC 9110 section 9.2.1), and nothing behind the head.
bool may_be_early(const api::Request& request) {
  switch (request.method) {
    case api::Method::Get:
    case api::Method::Head:
    case api::Method::Options:
      return !request.has_body;
    default:
      return false;
  }
}

}  // namespace

// A site's cells, looked up once; a handful of (method, code) pairs covers nearly all requests.
struct Dispatcher::SiteAccount {
  struct Requests {
    api::Method method;
    std::uint16_t code;
    stats::Cell cell;
  };
  std::uint16_t name = 0;  // index in the segment
  std::vector<Requests> requests;
  stats::HistogramCell duration;
  stats::Cell response_bytes;
};

Dispatcher::Dispatcher(const config::Config& config, HandlerTable handlers, stats::WorkerStats& stats,
                       const TurnClock& clock, AccessLogWriter* access_log, std::uint32_t slot)
    : config_(config),
      handlers_(std::move(handlers)),
      router_(config),
      stats_(stats),
      clock_(clock),
      access_log_(access_log),
      slot_(slot),
      worker_requests_(stats.cell(stats::Metric::WorkerRequests)),
      request_bytes_(stats.cell(stats::Metric::HttpRequestBytes)),
      sites_(config.sites.size() + 1) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::show_activity(const Exchange& exchange) {
  stats_.activity().step();  // of requests that came together each has its own time
  const Shown now{&exchange, exchange.account.route, exchange.account.started};
  if (shown_ == now) return;
  shown_ = now;
  const api::Request& request = exchange.request();
  stats::Work work{.method = request.method_name, .target = request.target};
  if (const config::Route* const route = exchange.account.route; route != nullptr) {
    work.site = account_of(exchange.account.site).name;
    work.route = route->name;
    const auto* const action = std::get_if<config::ModuleAction>(&route->action);
    if (action != nullptr) work.module = action->file;
  }
  work.request_id = exchange.request_id();
  stats_.activity().work.show(work);
}

void Dispatcher::identify(Exchange& exchange) {
  if (config_.request_id.mode != config::RequestIdMode::Off) give_identity(exchange);
}

void Dispatcher::give_identity(Exchange& exchange) {
  if (!exchange.request_id().empty()) return;
  const config::RequestId& settings = config_.request_id;
  // Requests that are not to have one get it for the log and the error page only.
  const std::string_view field =
      settings.mode == config::RequestIdMode::Off ? std::string_view() : std::string_view(settings.header);
  const std::string_view sent = settings.mode == config::RequestIdMode::Accept
                                    ? exchange.request().field(settings.header).value_or(std::string_view())
                                    : std::string_view();
  if (is_request_id(sent)) return exchange.set_request_id({field, sent});
  const RequestIds::Text made = request_ids_.next();
  exchange.set_request_id({field, exchange.arena().copy({made.data(), made.size()})});
}

void Dispatcher::dispatch(Exchange& exchange) {
  const api::Request& request = exchange.request();
  exchange.set_host(*this);
  identify(exchange);
  const bool early = request.tls != nullptr && request.tls->early_data;
  if (early) mark_early(exchange);
  router_.find(exchange.account.listener, request.host, request, exchange.match);
  if (redirects(exchange)) return redirect(exchange);
  if (exchange.match.outcome != RouteMatch::Outcome::Found) return answer_no_match(exchange);
  exchange.account.site = exchange.match.site;
  const config::Route& route = config_.sites[exchange.match.site].routes[exchange.match.route];
  exchange.account.route = &route;
  exchange.set_error_pages(route.policies.error_pages);
  if (fused_.holds(exchange.match.site, exchange.match.route)) return refuse_fused(exchange);
  if (!filters_.empty()) exchange.set_filters(filters_[exchange.match.site][exchange.match.route]);
  if (early && !may_be_early(request)) return exchange.fail(425);
  exchange.mutable_request().parameters = {exchange.match.parameters.data(), exchange.match.parameter_count};
  if (request.content_length.value_or(0) > route.limits.request_body)
    return refuse(exchange, stats::BadRequest::BodyTooLarge);
  if (!guards_.empty()) exchange.set_guards(guards_[exchange.match.site][exchange.match.route]);
  admitted(exchange);
}

// Certificates are got by what is asked for in clear (RFC 8555 section 8.3).
bool Dispatcher::redirects(const Exchange& exchange) const {
  constexpr std::string_view kChallenge = "/.well-known/acme-challenge/";
  const api::Request& request = exchange.request();
  return config_.listeners[exchange.account.listener].https_redirect != 0 && request.path.starts_with('/') &&
         !request.host.empty() && exchange.match.outcome != RouteMatch::Outcome::NoSite &&
         !request.path.starts_with(kChallenge);
}

void Dispatcher::redirect(Exchange& exchange) {
  const api::Request& request = exchange.request();
  exchange.account.site = exchange.match.site;
  const std::uint16_t port = config_.listeners[exchange.account.listener].https_redirect;
  constexpr std::uint16_t kHttps = 443;
  std::string to = "https://";
  to += request.host;
  if (port != kHttps) to += ":" + std::to_string(port);
  // An absolute target has its path behind the authority.
  const std::size_t authority = request.target.starts_with('/') ? 0 : request.target.find("//");
  const std::size_t path = authority == 0 ? 0 : request.target.find('/', authority + 2);
  if (path != std::string_view::npos) {
    to += request.target.substr(path);
  } else {
    to += request.query.empty() ? "/" : "/?";
    to += request.query;
  }
  const api::Field location{"Location", to};
  exchange.fail(308, {&location, 1});
}

void Dispatcher::refuse_fused(Exchange& exchange) {
  constexpr api::Field kRetry{"Retry-After", "60"};
  exchange.fail(503, {&kRetry, 1});
}

void Dispatcher::admitted(Exchange& exchange) {
  show_activity(exchange);
  stats_.activity().phase.store(static_cast<std::uint64_t>(stats::Phase::Handling), std::memory_order_relaxed);
  call(exchange);
  stats_.activity().phase.store(static_cast<std::uint64_t>(stats::Phase::Reading), std::memory_order_relaxed);
}

bool Dispatcher::passes_guards(Exchange& exchange) {
  while (const RequestGuard* const guard = exchange.next_guard())
    if (guard->admit(exchange) != Verdict::Pass) return false;
  return true;
}

void Dispatcher::call(Exchange& exchange) {
  std::size_t of_guards = 0;
  try {
    if (!passes_guards(exchange)) return;
    of_guards = exchange.state_count();
    handlers_[exchange.match.site][exchange.match.route]->handle(exchange);
  } catch (...) {
    return handler_threw(exchange);
  }
  // A handler may answer later, but then it has left something behind that will.
  if (exchange.answered()) return;
  if (exchange.state_count() > of_guards) return await_answer(exchange);
  give_up(exchange, "handler neither answered nor kept the exchange");
}

/// How long a handler may take. Attached to the exchange as the handler's own state is, and behind it.
class Dispatcher::Deadline final : public api::ExchangeState, private api::TimerListener {
 public:
  Deadline(Dispatcher& dispatcher, Exchange& exchange, TimePoint when)
      : dispatcher_(dispatcher), exchange_(exchange), hold_(dispatcher.timers().start(when, *this)) {}

 private:
  void on_timer() override {
    if (!exchange_.answered()) dispatcher_.handler_is_late(exchange_);
  }

  Dispatcher& dispatcher_;
  Exchange& exchange_;
  const std::unique_ptr<api::TimerHold> hold_;
};

TimerService& Dispatcher::timers() {
  if (timers_ == nullptr) throw std::logic_error("there are no timers here");
  return *timers_;
}

WebSocketService& Dispatcher::websockets() {
  if (websockets_ == nullptr) throw std::logic_error("there are no WebSockets here");
  return *websockets_;
}

void Dispatcher::await_answer(Exchange& exchange) {
  const Milliseconds limit = exchange.account.route->timeouts.handler;
  if (limit.count() == 0 || timers_ == nullptr) return;
  exchange.attach(std::make_unique<Deadline>(*this, exchange, clock_.now() + limit));
}

void Dispatcher::handler_is_late(Exchange& exchange) {
  const Milliseconds limit = exchange.account.route->timeouts.handler;
  log().warning("handler was late", {{"route", exchange.account.route->name},
                                     {"request", exchange.request().target},
                                     {"connection", exchange.connection_id()},
                                     {"request_id", exchange.request_id()},
                                     {"limit_ms", limit.count()}});
  exchange.give_up_handler();
  exchange.fail(504);
}

void Dispatcher::handler_threw(Exchange& exchange) {
  try {
    throw;
  } catch (const std::exception& thrown) {
    give_up(exchange, thrown.what());
  } catch (...) {
    give_up(exchange, "unknown exception");
  }
}

void Dispatcher::give_up(Exchange& exchange, std::string_view problem) {
  give_identity(exchange);  // so that the page leads to this line, also where requests have none
  log().error("handler failed", {{"route", exchange.account.route->name},
                                 {"request", exchange.request().target},
                                 {"connection", exchange.connection_id()},
                                 {"request_id", exchange.request_id()},
                                 {"problem", problem}});
  // Whoever was to get the request body may be gone with the handler's call.
  if (!exchange.upgraded()) exchange.sink_done();
  if (exchange.upgraded()) return exchange.tunnel()->handler_failed();
  if (exchange.answered()) return exchange.reset_output();
  exchange.fail(500);
}

void Dispatcher::answer_no_match(Exchange& exchange) {
  if (exchange.match.outcome == RouteMatch::Outcome::NoSite)
    return refuse(exchange, stats::BadRequest::Misdirected);
  exchange.account.site = exchange.match.site;
  exchange.set_error_pages(config_.sites[exchange.match.site].policies.error_pages);
  if (!filters_.empty()) exchange.set_filters(filters_[exchange.match.site].back());
  if (exchange.request().method == api::Method::Options)
    return answer_preflight(exchange) ? void() : answer_options(exchange);
  // RFC 9110 section 9.1: 405 is about this resource, 501 about the server.
  if (!router_.knows_method(exchange.request())) return exchange.fail(501);
  if (exchange.match.outcome == RouteMatch::Outcome::NoRoute) return exchange.fail(404);
  const api::Field allow{"Allow", exchange.match.allow};
  exchange.fail(405, {&allow, 1});
}

// A preflight asks about another method than its own: the route of that one answers, if it has to do with CORS.
bool Dispatcher::answer_preflight(Exchange& exchange) {
  if (guards_.empty() || !is_preflight(exchange.request())) return false;
  api::Request asked = exchange.request();
  asked.method_name = *asked.field("Access-Control-Request-Method");
  asked.method = api::method_from(asked.method_name);
  RouteMatch& match = exchange.match;
  router_.find(exchange.account.listener, asked.host, asked, match);
  if (match.outcome != RouteMatch::Outcome::Found) return false;
  const config::Route& route = config_.sites[match.site].routes[match.route];
  if (!route.policies.cors.enabled) return false;
  exchange.account.route = &route;
  if (!filters_.empty()) exchange.set_filters(filters_[match.site][match.route]);
  exchange.set_guards(guards_[match.site][match.route]);
  try {
    return !passes_guards(exchange);
  } catch (...) {
    handler_threw(exchange);
    return true;
  }
}

// RFC 9110 section 9.3.7; `*` asks about the server as a whole.
void Dispatcher::answer_options(Exchange& exchange) {
  const api::Request& request = exchange.request();
  std::string_view allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";
  if (request.path != "*") allow = router_.allow(exchange.account.listener, request.host, request.path);
  if (allow.empty()) return exchange.fail(404);
  const api::Field field{"Allow", allow};
  exchange.respond({204, {&field, 1}}, api::Body::none());
}

void Dispatcher::refuse(Exchange& exchange, stats::BadRequest why) {
  stats_.cell(stats::Metric::HttpBadRequests, static_cast<std::uint16_t>(why)).add();
  identify(exchange);
  if (!exchange.answered()) exchange.fail(status_of(why));
}

Dispatcher::SiteAccount& Dispatcher::account_of(std::uint32_t site) {
  const std::size_t index = site == Exchange::kNoSite ? sites_.size() - 1 : site;
  if (!sites_[index]) {
    auto account = std::make_unique<SiteAccount>();
    if (site != Exchange::kNoSite) account->name = stats_.segment().site_index(config_.sites[site].name);
    account->duration = stats_.histogram(stats::Metric::HttpRequestDuration, account->name);
    account->response_bytes = stats_.cell(stats::Metric::HttpResponseBytes, account->name);
    sites_[index] = std::move(account);
  }
  return *sites_[index];
}

void Dispatcher::count(const Exchange& exchange, std::uint16_t status, Duration duration) {
  SiteAccount& account = account_of(exchange.account.site);
  const api::Method method = exchange.request().method;
  stats::Cell requests;
  for (const SiteAccount::Requests& known : account.requests)
    if (known.code == status && known.method == method) requests = known.cell;
  if (!requests) {
    requests =
        stats_.cell(stats::Metric::HttpRequests, account.name, static_cast<std::uint16_t>(method), status);
    account.requests.push_back({method, status, requests});
  }
  requests.add();
  worker_requests_.add();
  request_bytes_.add(exchange.account.received);
  account.response_bytes.add(exchange.account.head_sent + exchange.account.body_sent);
  account.duration.observe(static_cast<std::uint64_t>(duration.count()));
}

void Dispatcher::record(Exchange& exchange, std::uint16_t status, Duration duration, bool complete) {
  const api::Request& request = exchange.request();
  AccessEntry entry;
  entry.client_ip = exchange.peer_address();
  entry.user = exchange.account.user;
  if (request.tls != nullptr) {
    entry.client_subject = request.tls->client_subject;
    entry.tls_version = request.tls->version;
  }
  entry.method = request.method_name;
  entry.target = request.target;
  entry.host = request.host;
  entry.version = request.version;
  entry.status = status;
  entry.body_bytes_sent = exchange.account.body_sent;
  entry.bytes_sent = exchange.account.head_sent + exchange.account.body_sent;
  entry.bytes_received = exchange.account.received;
  entry.duration = duration;
  entry.user_agent = request.field("User-Agent").value_or(std::string_view());
  entry.referer = request.field("Referer").value_or(std::string_view());
  entry.request_id = exchange.request_id();
  entry.trace_id = trace_id_of(request.field("traceparent").value_or(std::string_view()));
  // Nobody has begun a trace: it begins here, under the name that the request has anyway.
  if (entry.trace_id.empty() && is_trace_id(entry.request_id)) entry.trace_id = entry.request_id;
  if (exchange.account.site != Exchange::kNoSite) entry.site = config_.sites[exchange.account.site].name;
  if (exchange.account.route != nullptr) entry.route = exchange.account.route->name;
  entry.worker = slot_;
  entry.connection = exchange.connection_id();
  entry.complete = complete;
  access_log_->add(entry, clock_.wall_seconds(), clock_.wall_milliseconds());
}

void Dispatcher::finished(Exchange& exchange, bool complete) {
  const std::uint16_t status = exchange.account.status == 0 ? kClientLeft : exchange.account.status;
  const Duration duration = clock_.at_end(exchange.is_of_module()) - exchange.account.started;
  // How long a tunnel was in use says nothing about how soon its request was answered.
  count(exchange, status,
        exchange.upgraded() ? exchange.account.upgraded - exchange.account.started : duration);
  if (access_log_ != nullptr) record(exchange, status, duration, complete);
  show_no_activity();
}

}  // namespace holdfast::http
