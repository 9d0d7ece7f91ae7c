// One request and its response, whatever the version. Made by a wire protocol when a head is complete,
// destroyed by it when both halves are done or the peer is gone. Holds copies of all request bytes that views
// point to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "common/api/exchange.h"
#include "config/config.h"
#include "worker/http/exchange_host.h"
#include "worker/http/exchange_output.h"
#include "worker/http/request_guard.h"
#include "worker/http/router.h"
#include "worker/http/turn_clock.h"

namespace holdfast::http {

/// Bump memory of one exchange: an inline block, more from the heap only for large heads.
class Arena {
 public:
  std::span<std::byte> allocate(std::size_t bytes) {
    const std::size_t at = (used_ + 15) & ~std::size_t{15};
    if (at + bytes > kInline) return allocate_apart(bytes);
    used_ = at + bytes;
    return {inline_.data() + at, bytes};
  }
  std::string_view copy(std::string_view text);
  void reset() {
    used_ = 0;
    if (!overflow_.empty()) overflow_.clear();
  }

 private:
  std::span<std::byte> allocate_apart(std::size_t bytes);

  static constexpr std::size_t kInline = 3072;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> overflow_;
  alignas(16) std::array<std::byte, kInline> inline_;
};

class Exchange final : public api::Exchange {
 public:
  explicit Exchange(const TurnClock& clock) : clock_(clock) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // -- for handlers
  const api::Request& request() const override { return request_; }
  void respond(const api::ResponseHead& head, api::Body body) override;
  void fail(std::uint16_t status, std::span<const api::Field> fields = {}) override;
  void receive_body(api::BodySink& sink, std::size_t credit) override;
  void grant(std::size_t bytes) override;
  void drop_body() override { sink_ = nullptr; }
  void body_ready() override;
  void attach(std::unique_ptr<api::ExchangeState> state) override { states_.push_back(std::move(state)); }
  [[nodiscard]] std::unique_ptr<api::TimerHold> start_timer(TimePoint when,
                                                            api::TimerListener& listener) override;
  void handler_threw() noexcept override { host_->handler_threw(*this); }
  bool answered() const override { return answered_; }
  bool accept_websocket(std::unique_ptr<api::WebSocketListener> listener) override {
    return host_->websockets().accept(*this, std::move(listener));
  }
  std::span<std::byte> allocate(std::size_t bytes) override { return arena_.allocate(bytes); }
  std::string_view peer_address() override;
  std::string_view request_id() const override { return request_id_.value; }
  TimePoint now() const override { return clock_.now(); }
  std::time_t wall_seconds() const override { return clock_.wall_seconds(); }
  void add_trailer(std::string_view name, std::string_view value) override;
  std::span<const api::Field> request_trailers() const override { return request_trailers_; }

  // -- for the wire protocol
  /// Begins a new life; whatever an earlier request left is gone.
  void begin(ExchangeOutput& output, std::uint32_t listener);
  /// Ends this life: the handler's states are destroyed first, then the memory they may point to.
  void end();
  api::Request& mutable_request() { return request_; }
  Arena& arena() { return arena_; }
  api::BodySink* sink() const { return sink_; }
  std::size_t credit() const { return credit_; }
  void use_credit(std::size_t bytes) { credit_ -= bytes; }
  void sink_done() { sink_ = nullptr; }
  /// Copies it, or drops what may not stand behind a body.
  void add_request_trailer(std::string_view name, std::string_view value);
  /// What is to follow the response's body; empty when the client cannot take it.
  std::span<const api::Field> trailers() const;
  /// What every response of this exchange passes; outlives it.
  void set_filters(std::span<const std::unique_ptr<ResponseFilter>> filters) { filters_ = filters; }
  /// Outlives the exchange.
  void set_host(ExchangeHost& host) { host_ = &host; }
  /// Who is asked before the handler; they outlive the exchange.
  void set_guards(Guards guards) { guards_ = guards; }
  /// The guard that is to be asked now; null when all have been.
  const RequestGuard* next_guard() {
    if (guards_.empty()) return nullptr;
    const RequestGuard* const next = guards_.front().get();
    guards_ = guards_.subspan(1);
    return next;
  }
  /// For a guard that said Later: the exchange goes on to the next guard, or to its handler.
  void admitted() { host_->admitted(*this); }
  std::size_t state_count() const { return states_.size(); }
  void reset_output() { output_->reset(*this); }

  // -- for who takes the connection over (RFC 9110 section 7.8), or the stream (RFC 8441)
  struct Upgrade {
    Tunnel& tunnel;
    std::string_view protocol;  // for Upgrade
    api::BodySource& source;    // what is sent from now on
    api::BodySink& sink;        // what comes from now on, within `credit`
    std::size_t credit = 0;
  };
  /// Answers that it is done; the peer's end is told as that of a body. What `upgrade` refers to lives as long
  /// as the exchange, as one of its states.
  void upgrade(const Upgrade& upgrade, std::span<const api::Field> fields);
  bool upgraded() const { return tunnel_ != nullptr; }
  /// Its handler is somebody's own.
  bool is_of_module() const {
    return account.route != nullptr && std::holds_alternative<config::ModuleAction>(account.route->action);
  }
  Tunnel* tunnel() const { return tunnel_; }
  /// As ExchangeOutput::send_now().
  bool send_now(std::span<const std::string_view> parts) { return !ending_ && output_->send_now(*this, parts); }
  ExchangeHost& host() const { return *host_; }
  /// The handler is about to be told something: it is what the worker works for.
  void show_activity() const { host_->show_activity(*this); }
  /// The handler had its time: the answer that comes now is the last, and one of its own behind it no mistake.
  void give_up_handler() {
    sink_ = nullptr;
    overdue_ = true;
  }

  /// The identifier and the field that carries it in the response (empty name: none does); the views outlive
  /// the exchange.
  void set_request_id(api::Field field) { request_id_ = field; }
  /// Pages of the site, later of the route, in place of the built-in ones; outlive the exchange.
  void set_error_pages(const std::vector<config::ErrorPage>& pages) { error_pages_ = &pages; }

  /// What the access record and the metrics need; the wire protocol counts bytes, the dispatcher sets site and
  /// route.
  struct Account {
    std::uint32_t listener = 0;
    std::uint32_t site = kNoSite;  // index into Config::sites
    const config::Route* route = nullptr;
    std::string_view user;       // who has shown a password; empty: nobody
    std::uint16_t status = 0;    // 0: nothing was answered
    std::uint64_t received = 0;  // bytes of head and body
    std::uint64_t head_sent = 0;
    std::uint64_t body_sent = 0;
    TimePoint started{};
    TimePoint upgraded{};  // when it became a tunnel
  };
  static constexpr std::uint32_t kNoSite = 0xffffffff;
  Account account;
  RouteMatch match;
  std::uint64_t connection_id() const { return output_->connection_id(); }

 private:
  void destroy_states();
  bool fields_are_safe(std::span<const api::Field> fields) const;
  void add_request_id(Response& response);
  void fail_with(std::uint16_t status, std::string_view content_type, api::Body body,
                 std::span<const api::Field> fields);

  const TurnClock& clock_;
  ExchangeOutput* output_ = nullptr;
  api::BodySink* sink_ = nullptr;
  std::size_t credit_ = 0;
  bool answered_ = false;
  bool overdue_ = false;
  bool ending_ = false;  // what is being destroyed may still call
  std::span<const std::unique_ptr<ResponseFilter>> filters_;
  Guards guards_;
  ExchangeHost* host_ = nullptr;
  Tunnel* tunnel_ = nullptr;
  api::Request request_;
  std::string_view peer_;
  api::Field request_id_;
  const std::vector<config::ErrorPage>* error_pages_ = nullptr;
  std::vector<std::unique_ptr<api::ExchangeState>> states_;
  std::vector<api::Field> trailers_;
  std::vector<api::Field> request_trailers_;
  Arena arena_;
};

}  // namespace holdfast::http
