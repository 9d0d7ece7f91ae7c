// The request of a stream; its response stands in stream_output.cpp.
#include "worker/http2/stream.h"

#include <algorithm>
#include <utility>

#include "common/ascii.h"
#include "common/text_room.h"
#include "worker/http/request_target.h"
#include "worker/http2/session.h"

namespace holdfast::http2 {
namespace {

using stats::BadRequest;

constexpr std::size_t kMostKept = 4096;

}  // namespace

void Stream::open(Session& session) {
  session_ = &session;
  head_.method = head_.scheme = head_.authority = head_.path = head_.protocol = {};
  head_.fields.clear();
  head_.bytes = 0;
  head_.refused.reset();
  framing_ = http::Framing{};
  received_ = sent_ = due_ = 0;
  patience_.refill();
  reader_.refill();
  begun_ = feed_due_ = false;
  request_complete_ = request_cut_ = end_told_ = continue_due_ = false;
  source_waits_ = deferred_ = response_complete_ = false;
  moved_at_ = session.connection().now();
  checked_at_ = opened_at_ = moved_at_;
  exchange.begin(*this, session.connection().listener().listener);
}

void Stream::close(bool complete) {
  session_->factory().dispatcher_.finished(exchange, complete);
  exchange.end();
  body_ = api::Body::none();
  waiting_.clear();
  // In the pool it keeps only what most streams need.
  if (own_.capacity() > kMostKept) free_room(own_);
}

// What is beyond the limits is counted and forgotten: the answer waits until the section is complete, since
// compression must follow all of it.
void Stream::take_field(std::string_view name, std::string_view value) {
  const config::Limits& most = limits();
  head_.bytes += name.size() + value.size() + kFieldOverhead;
  exchange.account.received += name.size() + value.size();
  if (head_.refused) return;
  const bool pseudo = name.starts_with(':');
  if (pseudo && name == ":path" && value.size() > most.request_line)
    head_.refused = BadRequest::RequestLineTooLong;
  else if (head_.bytes > most.request_headers)
    head_.refused = BadRequest::HeadTooLarge;
  else if (head_.fields.size() >= most.header_count)
    head_.refused = BadRequest::TooManyFields;
  if (head_.refused) return;
  http::Arena& arena = exchange.arena();
  const std::string_view kept = arena.copy(value);
  if (!pseudo) return head_.fields.push_back({arena.copy(name), kept});
  // No others come so far; their second letters and lengths tell them apart.
  switch (name[1]) {
    case 'm':
      head_.method = kept;
      break;
    case 's':
      head_.scheme = kept;
      break;
    case 'a':
      head_.authority = kept;
      break;
    default:
      (name.size() == std::string_view(":path").size() ? head_.path : head_.protocol) = kept;
  }
}

// They share the limits of the fields in front of the body.
void Stream::take_trailer(std::string_view name, std::string_view value) {
  if (request_cut_) return;
  head_.bytes += name.size() + value.size() + kFieldOverhead;
  exchange.account.received += name.size() + value.size();
  const bool many = exchange.request_trailers().size() >= limits().header_count;
  if (!many && head_.bytes <= limits().request_headers) return exchange.add_request_trailer(name, value);
  const bool answered = exchange.answered();
  refuse(many ? BadRequest::TooManyFields : BadRequest::HeadTooLarge);
  if (answered && !response_complete_) session_->frames().reset(*this, ErrorCode::InternalError);
}

void Stream::begin_request(bool ends) {
  begun_ = true;
  request_complete_ = ends;
  if (!fill_request(ends)) return;
  continue_due_ = framing_.expects_continue && !ends;
  session_->factory().dispatcher_.dispatch(exchange);
}

bool Stream::fill_request(bool ends) {
  api::Request& request = exchange.mutable_request();
  http::Arena& arena = exchange.arena();
  join_cookies();
  const net::ListenerContext& listener = session_->connection().listener();
  request.method_name = head_.method;
  request.method = api::method_from(request.method_name);
  request.target = head_.path;
  request.version = api::Version::Http2;
  request.secure = listener.secure;
  request.tls = session_->connection().tls();
  request.fields = head_.fields;
  request.has_body = !ends;
  if (head_.refused) return refuse(*head_.refused), false;
  if (const auto why = http::frame_request(request.method, request.version, request.fields, framing_))
    return refuse(*why), false;
  if (framing_.body == http::BodyRule::Length) request.content_length = framing_.length;
  // CONNECT is for proxies (RFC 9113 section 8.5), but for the extended one, which asks a resource for a tunnel
  // as an Upgrade in a GET does.
  if (request.method == api::Method::Connect) {
    if (head_.protocol != "websocket") return cut_request(), exchange.fail(501), false;
    request.method = api::Method::Get;
    request.protocol = head_.protocol;
  }

  const std::span<std::byte> decoded = arena.allocate(http::decoded_room(request.target));
  const http::RequestTarget target = http::parse_request_target(
      request.target, request.method, {reinterpret_cast<char*>(decoded.data()), decoded.size()});
  // RFC 9113 section 8.3.1: a path, or `*` for OPTIONS.
  if (target.form != http::TargetForm::Origin && target.form != http::TargetForm::Asterisk)
    return refuse(BadRequest::Target), false;
  // RFC 9110 section 7.4: an https resource is not to be had in clear, but from a gateway that is trusted.
  if (ascii_iequals(head_.scheme, "https") && !request.secure && !listener.proxy)
    return refuse(BadRequest::Misdirected), false;
  request.path = target.path;
  request.query = target.query;
  request.encoded_slash = target.encoded_slash;
  // RFC 9113 section 8.3.1: Host, if it is there, must not contradict.
  const bool both = !framing_.host.empty() && !head_.authority.empty();
  if (both && !ascii_iequals(framing_.host, head_.authority)) return refuse(BadRequest::Host), false;
  const std::string_view authority = head_.authority.empty() ? framing_.host : head_.authority;
  const std::optional<std::string_view> host = http::host_of_authority(authority);
  if (!host || authority.empty()) return refuse(BadRequest::Host), false;
  request.host = *host;
  return true;
}

// RFC 9113 section 8.2.3: crumbs of a cookie become one field again.
void Stream::join_cookies() {
  const auto is_cookie = [](const api::Field& field) { return field.name == "cookie"; };
  std::size_t size = 0;
  std::size_t crumbs = 0;
  for (const api::Field& field : head_.fields)
    if (is_cookie(field)) size += field.value.size() + 2, ++crumbs;
  if (crumbs < 2) return;
  const std::span<std::byte> room = exchange.arena().allocate(size);
  auto* const begin = reinterpret_cast<char*>(room.data());
  char* at = begin;
  for (const api::Field& field : head_.fields) {
    if (!is_cookie(field)) continue;
    if (at != begin) at = std::ranges::copy(std::string_view("; "), at).out;
    at = std::ranges::copy(field.value, at).out;
  }
  const auto first = std::ranges::find_if(head_.fields, is_cookie);
  first->value = {begin, static_cast<std::size_t>(at - begin)};
  head_.fields.erase(std::remove_if(first + 1, head_.fields.end(), is_cookie), head_.fields.end());
}

void Stream::refuse(BadRequest why) {
  cut_request();
  session_->factory().dispatcher_.refuse(exchange, why);
}

void Stream::cut_request() {
  request_complete_ = request_cut_ = true;
  exchange.sink_done();
  session_->frames().discard(*this, waiting_.size());
  waiting_.clear();
}

const config::Limits& Stream::limits() const {
  const config::Route* const route = exchange.account.route;
  return route != nullptr ? route->limits : session_->factory().config_.limits;
}

const config::Timeouts& Stream::timeouts() const {
  const config::Route* const route = exchange.account.route;
  return route != nullptr ? route->timeouts : session_->factory().config_.timeouts;
}

void Stream::take_data(std::span<const std::byte> data) {
  exchange.account.received += data.size();
  received_ += data.size();
  patience_.moved(data.size(), session_->connection().now());
  const bool unwanted = request_cut_ || (exchange.answered() && exchange.sink() == nullptr);
  if (unwanted) return session_->frames().discard(*this, data.size());
  if (received_ > limits().request_body && !exchange.upgraded()) {
    session_->frames().discard(*this, data.size());
    const bool answered = exchange.answered();
    refuse(BadRequest::BodyTooLarge);
    // An answer that is under way was made from a part of the body: it must not look whole.
    if (answered && !response_complete_) session_->frames().reset(*this, ErrorCode::InternalError);
    return;
  }
  // What can be taken at once is not copied.
  while (!data.empty() && waiting_.empty() && exchange.sink() != nullptr && exchange.credit() > 0) {
    const std::span<const std::byte> part = data.first(std::min(exchange.credit(), data.size()));
    data = data.subspan(part.size());
    deliver(part);
    if (request_cut_) return session_->frames().discard(*this, data.size());
  }
  waiting_.append(data);
}

void Stream::end_data() {
  if (request_complete_) return;
  request_complete_ = true;
  feed();
}

void Stream::feed() {
  feed_due_ = false;
  while (exchange.sink() != nullptr && exchange.credit() > 0 && !waiting_.empty()) {
    const std::size_t part = std::min(exchange.credit(), waiting_.size());
    deliver(waiting_.bytes().first(part));
    if (request_cut_) return;
    waiting_.consume(part);
  }
  if (request_complete_ && waiting_.empty()) tell_end();
}

void Stream::deliver(std::span<const std::byte> data) {
  exchange.use_credit(data.size());
  exchange.show_activity();
  try {
    exchange.sink()->on_body(data);
  } catch (...) {
    cut_request();
    return session_->factory().dispatcher_.handler_threw(exchange);
  }
  session_->frames().consume(*this, data.size());
}

void Stream::tell_end() {
  api::BodySink* const sink = exchange.sink();
  if (sink == nullptr || end_told_) return;
  end_told_ = true;
  exchange.sink_done();
  exchange.show_activity();
  try {
    sink->on_body_end();
  } catch (...) {
    session_->factory().dispatcher_.handler_threw(exchange);
  }
}

void Stream::body_wanted(http::Exchange& /*exchange*/) {
  if (request_cut_) return exchange.sink_done();
  if (continue_due_ && exchange.credit() > 0) {
    continue_due_ = false;
    if (!exchange.answered() && !request_complete_) session_->frames().go_on(*this);
  }
  // Not at once: a handler is in the middle of a call.
  if (!std::exchange(feed_due_, true)) session_->feed_later(id());
}

TimePoint Stream::body_deadline() {
  // Whoever has a tunnel keeps its time.
  const bool peers_turn =
      !request_complete_ && !exchange.upgraded() && exchange.sink() != nullptr && exchange.credit() > 0;
  if (!peers_turn) {
    patience_.stand(session_->connection().now());
    return kNever;
  }
  patience_.set(timeouts().request_body, limits().request_body_rate);
  patience_.run(session_->connection().now());
  return patience_.deadline();
}

TimePoint Stream::reader_deadline(bool peers_turn) {
  const TimePoint now = session_->connection().now();
  if (!peers_turn || !waits_for_peer()) {
    reader_.stand(now);
    return kNever;
  }
  reader_.set(timeouts().response_write, limits().response_rate);
  reader_.run(now);
  return reader_.deadline();
}

void Stream::request_is_late() {
  const bool answered = exchange.answered();
  refuse(patience_.trickles(session_->connection().now()) ? BadRequest::BodyRate : BadRequest::BodyTimeout);
  if (answered && !response_complete_) session_->frames().reset(*this, ErrorCode::InternalError);
}

void Stream::peer_has_ended() {
  // As over HTTP/1: whom a handler of somebody's own keeps waiting has left.
  if (exchange.is_of_module() && (!exchange.answered() || source_waits_))
    return session_->frames().reset(*this, ErrorCode::Cancel);
  if (response_complete_) return session_->frames().reset(*this, ErrorCode::NoError);
  if (request_complete_) return;
  // It broke its promise of a body. Who answered without asking for it can still be heard.
  if (exchange.sink() != nullptr || !exchange.answered())
    return session_->frames().reset(*this, ErrorCode::Cancel);
  cut_request();
}

std::string Stream::peer_text() const {
  return session_->connection().peer().text();
}

std::uint64_t Stream::connection_id() const {
  return session_->connection().id();
}

}  // namespace holdfast::http2
