#include "worker/http/exchange.h"

#include <cstring>
#include <new>
#include <utility>

#include "common/api/status.h"
#include "common/log.h"
#include "worker/http/accept.h"
#include "worker/http/error_page.h"
#include "worker/http/field_rules.h"

namespace holdfast::http {
namespace {

constexpr std::size_t kMaxErrorFields = 8;

/// Pages of the configuration live longer than every exchange.
class KeptElsewhere final : public api::BodyOwner {
 public:
  void release() noexcept override {}
};
KeptElsewhere kept_by_the_configuration;

/// Nothing that a handler throws may leave it.
class HandlerTimer final : public api::TimerHold, private api::TimerListener {
 public:
  HandlerTimer(Exchange& exchange, TimePoint when, api::TimerListener& listener, ExchangeHost& host)
      : exchange_(exchange), listener_(listener), host_(host), hold_(host.timers().start(when, *this)) {}

 private:
  void on_timer() override {
    Exchange& exchange = exchange_;  // this may be gone after the call
    host_.show_activity(exchange);
    try {
      listener_.on_timer();
    } catch (...) {
      exchange.handler_threw();
    }
  }

  Exchange& exchange_;
  api::TimerListener& listener_;
  ExchangeHost& host_;
  const std::unique_ptr<api::TimerHold> hold_;
};

}  // namespace

std::span<std::byte> Arena::allocate_apart(std::size_t bytes) {
  overflow_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
  return {overflow_.back().get(), bytes};
}

std::string_view Arena::copy(std::string_view text) {
  const std::span<std::byte> room = allocate(text.size());
  if (!text.empty()) std::memcpy(room.data(), text.data(), text.size());
  return {reinterpret_cast<const char*>(room.data()), text.size()};
}

void Exchange::begin(ExchangeOutput& output, std::uint32_t listener) {
  output_ = &output;
  sink_ = nullptr;
  credit_ = 0;
  answered_ = overdue_ = ending_ = false;
  filters_ = {};
  guards_ = {};
  host_ = nullptr;
  tunnel_ = nullptr;
  request_id_ = {};
  error_pages_ = nullptr;
  peer_ = {};
  request_ = api::Request{};
  account = Account{};
  account.listener = listener;
  account.started = clock_.now();
  match.parameter_count = 0;
}

void Exchange::end() {
  ending_ = true;
  if (!states_.empty()) destroy_states();
  sink_ = nullptr;
  trailers_.clear();
  request_trailers_.clear();
  arena_.reset();
}

void Exchange::destroy_states() {
  if (host_ != nullptr) host_->show_activity(*this);
  for (std::unique_ptr<api::ExchangeState>& state : states_) state.reset();
  states_.clear();
  if (host_ != nullptr) host_->show_no_activity();
}

void Exchange::respond(const api::ResponseHead& head, api::Body body) {
  if (ending_ || (answered_ && overdue_)) return;
  if (answered_) {
    log().error("handler answered twice", {{"route", account.route ? account.route->name : std::string()}});
    return;
  }
  // RFC 8441 section 4: to this request a 2xx means that the stream is a tunnel now.
  if (!request_.protocol.empty() && tunnel_ == nullptr && head.status / 100 == 2) return fail(501);
  answered_ = true;
  Response response{head.status, head.fields, std::move(body), head.as_is, false, head.text};
  for (const auto& filter : filters_) filter->apply(*this, response);
  if (!request_id_.name.empty()) add_request_id(response);
  if (response.fields.data() != head.fields.data() || response.fields.size() != head.fields.size())
    response.text = {};
  if (response.text.empty() && !fields_are_safe(response.fields)) {
    account.status = 500;
    response = Response{};
    response.status = 500;
    return output_->start_response(*this, std::move(response), false);
  }
  account.status = response.status;
  const bool has_body = request_.method != api::Method::Head && api::status_has_body(response.status);
  const bool send_body = has_body || upgraded();
  output_->start_response(*this, std::move(response), send_body);
}

void Exchange::upgrade(const Upgrade& upgrade, std::span<const api::Field> fields) {
  constexpr std::uint16_t kSwitchingProtocols = 101;
  constexpr std::uint16_t kOk = 200;
  tunnel_ = &upgrade.tunnel;
  account.upgraded = now();
  const bool stream = request_.version == api::Version::Http2;
  const std::span<std::byte> room = arena_.allocate((fields.size() + 1) * sizeof(api::Field));
  auto* const first = reinterpret_cast<api::Field*>(room.data());
  api::Field* last = std::uninitialized_copy(fields.begin(), fields.end(), first);
  if (!stream) new (last++) api::Field{"Upgrade", upgrade.protocol};
  respond({stream ? kOk : kSwitchingProtocols, {first, last}, /*as_is=*/true},
          api::Body::stream(upgrade.source));
  receive_body(upgrade.sink, upgrade.credit);
}

bool Exchange::fields_are_safe(std::span<const api::Field> fields) const {
  for (const api::Field& field : fields) {
    if (is_safe_value(field.value) && is_token(field.name)) continue;
    log().error("handler set a field that would split the response",
                {{"route", account.route ? account.route->name : std::string()}, {"field", field.name}});
    return false;
  }
  return true;
}

void Exchange::add_request_id(Response& response) {
  const std::span<std::byte> room = arena_.allocate((response.fields.size() + 1) * sizeof(api::Field));
  auto* const first = reinterpret_cast<api::Field*>(room.data());
  api::Field* last = first;
  for (const api::Field& field : response.fields) new (last++) api::Field(field);
  new (last++) api::Field(request_id_);
  response.fields = {first, last};
}

void Exchange::fail(std::uint16_t status, std::span<const api::Field> fields) {
  const std::string_view accept = request_.field("Accept").value_or(std::string_view());
  if (const config::ErrorPage* const own =
          error_pages_ != nullptr ? find_page(*error_pages_, status) : nullptr) {
    const std::string_view type = page_type(*own);
    if (is_json(type) || !prefers_json(accept))
      return fail_with(status, type, api::Body::held(own->body, api::BodyHold(&kept_by_the_configuration)),
                       fields);
  }
  const ErrorPage page = error_page(status, accept, request_id_.value);
  fail_with(status, page.content_type, api::Body::copy(page.body), fields);
}

void Exchange::fail_with(std::uint16_t status, std::string_view content_type, api::Body body,
                         std::span<const api::Field> fields) {
  std::array<api::Field, kMaxErrorFields + 2> all;
  std::size_t count = 0;
  all[count++] = {"Content-Type", content_type};
  // The page is HTML or JSON, as the client likes (RFC 9110 section 12.5.5).
  all[count++] = {"Vary", "Accept"};
  for (const api::Field& field : fields)
    if (count < all.size()) all[count++] = field;
  respond({status, {all.data(), count}}, std::move(body));
}

void Exchange::receive_body(api::BodySink& sink, std::size_t credit) {
  sink_ = &sink;
  credit_ = credit;
  output_->body_wanted(*this);
}

void Exchange::grant(std::size_t bytes) {
  if (ending_) return;
  credit_ += bytes;
  if (sink_ != nullptr) output_->body_wanted(*this);
}

void Exchange::body_ready() {
  if (!ending_) output_->body_ready(*this);
}

void Exchange::add_trailer(std::string_view name, std::string_view value) {
  if (ending_) return;
  if (is_token(name) && is_safe_value(value) && may_be_trailer(name))
    return trailers_.push_back({arena_.copy(name), arena_.copy(value)});
  log().error("handler set a trailer that may not follow a body",
              {{"route", account.route ? account.route->name : std::string()}, {"field", name}});
}

void Exchange::add_request_trailer(std::string_view name, std::string_view value) {
  if (may_be_trailer(name)) request_trailers_.push_back({arena_.copy(name), arena_.copy(value)});
}

std::span<const api::Field> Exchange::trailers() const {
  if (request_.version != api::Version::Http11) return trailers_;
  bool taken = false;
  for (const api::Field& field : request_.fields)
    if (!trailers_.empty() && ascii_iequals(field.name, "TE"))
      for_each_list_element(field.value,
                            [&](std::string_view word) { taken |= ascii_iequals(word, "trailers"); });
  return taken ? std::span<const api::Field>(trailers_) : std::span<const api::Field>();
}

std::unique_ptr<api::TimerHold> Exchange::start_timer(TimePoint when, api::TimerListener& listener) {
  return std::make_unique<HandlerTimer>(*this, when, listener, *host_);
}

std::string_view Exchange::peer_address() {
  if (peer_.empty()) peer_ = arena_.copy(output_->peer_text());
  return peer_;
}

}  // namespace holdfast::http
