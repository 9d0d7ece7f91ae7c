#include "worker/upstream/call.h"

#include <algorithm>
#include <utility>

#include "worker/upstream/client.h"
#include "worker/upstream/request_text.h"

namespace holdfast::upstream {

using api::FetchFailure;

Call::Call(Client& client, const api::OutgoingRequest& request, api::CallListener& listener)
    : client_(client),
      listener_(listener),
      credit_(request.credit),
      idle_timeout_(request.idle_timeout),
      timeout_(request.timeout),
      connect_timeout_(request.connect_timeout) {
  prepare(request);
  counted_ = !refused_ && client_.admit();
  if (!counted_ && !refused_) {
    refused_ = FetchFailure::TooMany;
    problem_ = "this worker makes as many calls as it may at once";
  }
  client_.loop().defer(*this);
}

void Call::prepare(const api::OutgoingRequest& request) {
  Result<Url> url = parse_url(request.url);
  if (!url) {
    refused_ = FetchFailure::Invalid;
    problem_ = "the URL " + url.error().message();
    return;
  }
  url_ = std::move(*url);
  Result<std::string> head = request_text(request, url_);
  if (!head) {
    refused_ = FetchFailure::Invalid;
    problem_ = head.error().message();
    return;
  }
  head_ = std::move(*head);
  body_ = request.body;
  to_head_ = request.method == "HEAD";
  idempotent_ = is_idempotent(request.method);
  if (url_.secure) authorities_ = request.authorities;
  server_ = url_.origin() + " " + authorities_;
}

void Call::on_deferred() {
  if (state_ == State::Over) return;
  if (refused_) return fail(*refused_, problem_);
  deadline_ = later(client_.loop().now(), timeout_);
  if (std::unique_ptr<net::Transport> transport = client_.idle().take(server_))
    return talk(std::move(transport), true);
  connect();
}

void Call::connect() {
  state_ = State::Connecting;
  connect_deadline_ = std::min(deadline_, later(client_.loop().now(), connect_timeout_));
  client_.loop().timers().arm(*this, connect_deadline_);
  if (!url_.literal) return client_.resolver().ask(*this, url_.host, url_.port);
  const bool six = url_.host.find(':') != std::string::npos;
  const std::string host = six ? "[" + url_.host + "]" : url_.host;
  const Result<Endpoint> address = Endpoint::parse(host + ":" + std::to_string(url_.port));
  if (!address) return fail(FetchFailure::Invalid, address.error().message());
  connect_to({*address});
}

void Call::connect_to(std::vector<Endpoint> addresses) {
  Connector::Secure secure;
  if (url_.secure) {
    const Result<const net::TlsAuthorities*> authorities = client_.authorities(authorities_);
    if (!authorities) return fail(FetchFailure::Invalid, authorities.error().message());
    secure = {*authorities, url_.host, url_.literal};
  }
  Connector::Listener& self = *this;
  connector_ = std::make_unique<Connector>(client_.loop(), self, std::move(addresses), std::move(secure),
                                           connect_deadline_);
  connector_->begin();
}

void Call::on_addresses(const std::vector<Endpoint>& addresses) {
  connect_to(addresses);
}

void Call::on_no_address(std::string_view why) {
  fail(FetchFailure::NameNotFound, why);
}

void Call::on_connected(std::unique_ptr<net::Transport> transport) {
  talk(std::move(transport), false);
}

void Call::on_not_connected(FetchFailure why, std::string_view text) {
  fail(why, text);
}

void Call::talk(std::unique_ptr<net::Transport> transport, bool kept) {
  state_ = State::Talking;
  kept_ = kept;
  client_.loop().timers().arm(*this, deadline_);
  const Conversation::Terms terms{head_, body_, to_head_, credit_, idle_timeout_, client_.room()};
  Conversation::Listener& self = *this;
  conversation_ = std::make_unique<Conversation>(client_.loop(), self, std::move(transport), terms);
  conversation_->begin();
}

void Call::grant(std::size_t bytes) {
  credit_ += bytes;
  if (state_ == State::Talking) conversation_->grant(bytes);
}

void Call::on_response_head(std::uint16_t status, std::span<const api::Field> fields) {
  listener_.on_head(status, fields);
}

void Call::on_response_body(std::span<const std::byte> bytes) {
  listener_.on_body(bytes);
}

void Call::on_response_end(std::unique_ptr<net::Transport> transport) {
  if (transport) client_.idle().put(server_, std::move(transport));
  end();
  listener_.on_end();
}

// RFC 9112 section 9.3.1: the other side may close a kept connection just when it is used again. A new one has
// no such excuse, so a request is repeated once at most.
void Call::on_broken(FetchFailure why, std::string_view text, bool unanswered) {
  const bool closed_meanwhile = kept_ && unanswered && why == FetchFailure::CutShort;
  if (!closed_meanwhile || !idempotent_) return fail(why, text);
  broken_ = std::move(conversation_);
  connect();
}

void Call::on_timer(TimePoint /*now*/) {
  if (state_ == State::Connecting) return fail(FetchFailure::TimedOut, "no connection was made in time");
  fail(FetchFailure::TimedOut, "the answer was not whole in time");
}

void Call::end() {
  if (state_ == State::Over) return;
  state_ = State::Over;
  client_.loop().timers().cancel(*this);
  forget();
  if (connector_) connector_->stop();
  if (conversation_) conversation_->stop();
  if (counted_) client_.release();
}

void Call::cancel() {
  end();
}

void Call::fail(FetchFailure why, std::string_view text) {
  const std::string all = url_.host.empty() ? std::string(text) : url_.origin() + ": " + std::string(text);
  end();
  listener_.on_failure({why, all});
}

}  // namespace holdfast::upstream
