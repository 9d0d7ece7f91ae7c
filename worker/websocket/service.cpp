#include "worker/websocket/service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/log.h"
#include "worker/websocket/accept_key.h"
#include "worker/websocket/deflate_offer.h"
#include "worker/websocket/session.h"

namespace holdfast::websocket {
namespace {

constexpr std::uint16_t kUpgradeRequired = 426;

HandshakeRefusal malformed(std::string_view reason) {
  return {400, reason, false};
}

Handshake check(const api::Request& request, const config::WebSocket& settings) {
  const HandshakeRules rules{settings.subprotocols, settings.origins};
  if (!request.protocol.empty()) return check_extended_connect(request.fields, rules);
  if (request.version != api::Version::Http11 || !asks_for_websocket(request.fields)) {
    Handshake none;
    none.refusal = HandshakeRefusal{kUpgradeRequired, "no WebSocket was asked for", true};
    return none;
  }
  Handshake handshake = check_handshake(request.method, request.version, request.fields, rules);
  // What follows the head must be frames and nothing else (RFC 9110 section 7.8).
  if (!handshake.refusal && request.has_body) handshake.refusal = malformed("a handshake has no content");
  return handshake;
}

}  // namespace

Service::Service(http::TimerService& timers, stats::WorkerStats& stats)
    : timers_(timers),
      connections_(stats.cell(stats::Metric::WebSocketConnections)),
      received_(
          stats.cell(stats::Metric::WebSocketMessages, static_cast<std::uint16_t>(stats::Direction::Received))),
      sent_(stats.cell(stats::Metric::WebSocketMessages, static_cast<std::uint16_t>(stats::Direction::Sent))) {}

Service::~Service() = default;

bool Service::accept(http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener) {
  const config::WebSocket& settings = exchange.account.route->websocket;
  const api::Request& request = exchange.request();
  const Handshake handshake = check(request, settings);
  if (handshake.refusal) return refuse(exchange, *handshake.refusal), false;
  DeflateNegotiation deflate = negotiate_deflate(request.fields, DeflatePolicy{});
  if (deflate.malformed) return refuse(exchange, malformed("Sec-WebSocket-Extensions is malformed")), false;
  if (!settings.compression) deflate.agreement.reset();
  open_session(exchange, std::move(listener), handshake, deflate);
  return true;
}

void Service::open_session(http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener,
                           const Handshake& handshake, const DeflateNegotiation& deflate) {
  const std::string extension = deflate.agreement ? deflate.agreement->answer() : std::string();
  const std::string accept = handshake.key.empty() ? std::string() : accept_key(handshake.key);
  std::array<api::Field, 3> fields;
  std::size_t count = 0;
  if (!accept.empty()) fields[count++] = {"Sec-WebSocket-Accept", accept};
  if (!handshake.subprotocol.empty()) fields[count++] = {"Sec-WebSocket-Protocol", handshake.subprotocol};
  if (!extension.empty()) fields[count++] = {"Sec-WebSocket-Extensions", extension};
  auto owned =
      std::make_unique<Session>(*this, exchange, std::move(listener), handshake.subprotocol, deflate.agreement);
  Session& session = *owned;
  exchange.attach(std::move(owned));
  session.open({fields.data(), count});
  if (draining_) session.send_away();
}

void Service::refuse(http::Exchange& exchange, const HandshakeRefusal& refusal) {
  log().debug("WebSocket refused", {{"route", exchange.account.route->name},
                                    {"connection", exchange.connection_id()},
                                    {"reason", refusal.reason}});
  std::array<api::Field, 2> fields;
  std::size_t count = 0;
  if (refusal.tells_version) fields[count++] = {"Sec-WebSocket-Version", kVersion};
  if (refusal.status == kUpgradeRequired) fields[count++] = {"Upgrade", "websocket"};
  exchange.fail(refusal.status, {fields.data(), count});
}

void Service::enter(Session& session) {
  session.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &session;
  first_ = &session;
  ++count_;
  connections_.add();
}

void Service::leave(Session& session) {
  (session.previous_ != nullptr ? session.previous_->next_ : first_) = session.next_;
  if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
  session.next_ = session.previous_ = nullptr;
  --count_;
  connections_.subtract();
}

void Service::begin_drain(TimePoint now, Duration wait, Duration spread) {
  now_ = now;
  drained_by_ = now + wait + spread;
  next_.reset();
  if (wait > Duration::zero()) {
    next_ = timers_.start(now + wait, *this);
  } else {
    go_on_draining();
  }
}

void Service::on_timer() {
  now_ = std::max(now_, first_ != nullptr ? first_->exchange_.now() : now_);
  go_on_draining();
}

void Service::go_on_draining() {
  draining_ = true;
  std::size_t open = 0;
  for (const Session* session = first_; session != nullptr; session = session->next_)
    open += session->is_open() ? 1 : 0;
  send_away(farewells_due(open, drained_by_ - now_));
  if (open > 0) next_ = timers_.start(now_ + kFarewellStep, *this);
}

std::size_t Service::farewells_due(std::size_t open, Duration left) {
  const auto steps = static_cast<std::size_t>(std::max(left, Duration::zero()) / kFarewellStep);
  return (open + steps) / (steps + 1);
}

// Those that came first, which are last in the list, could as well be the first to go: it does not matter.
void Service::send_away(std::size_t most) {
  Session* session = first_;
  while (session != nullptr && most > 0) {
    Session* const next = session->next_;
    if (session->is_open()) session->send_away(), --most;
    session = next;
  }
}

}  // namespace holdfast::websocket
