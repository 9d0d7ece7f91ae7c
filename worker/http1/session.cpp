// The reading half and the life of a session; the writing half stands in session_output.cpp, deadlines in
// session_waiting.cpp.
#include "worker/http1/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "worker/http/request_target.h"

namespace holdfast::http1 {
namespace {

using stats::BadRequest;

// What nobody asked for is read and thrown away up to here, so that the connection can go on; beyond, it is
// closed.
constexpr std::uint64_t kMostSkipped = 64 * 1024;
constexpr std::size_t kMostSpare = 256;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

SessionFactory::SessionFactory(const config::Config& config, http::Dispatcher& dispatcher,
                               const http::TurnClock& clock)
    : config_(config),
      dispatcher_(dispatcher),
      clock_(clock),
      head_limits_{config.limits.request_line, config.limits.request_headers, config.limits.header_count},
      fields_(config.limits.header_count) {}

SessionFactory::~SessionFactory() = default;

std::unique_ptr<net::Protocol> SessionFactory::make(net::Connection& connection, std::string_view /*alpn*/) {
  return std::make_unique<Session>(*this, connection);
}

std::unique_ptr<Active> SessionFactory::take() {
  if (spare_.empty()) return std::make_unique<Active>(clock_);
  std::unique_ptr<Active> active = std::move(spare_.back());
  spare_.pop_back();
  return active;
}

void SessionFactory::give_back(std::unique_ptr<Active> active) {
  active->exchange.end();
  active->decoder.reset();
  if (!std::holds_alternative<api::Body::None>(active->body.content)) active->body = api::Body::none();
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(active));
}

Session::Session(SessionFactory& factory, net::Connection& connection)
    : factory_(factory), connection_(connection) {
  connection_.set_write_timeout(factory_.config_.timeouts.response_write,
                                factory_.config_.limits.response_rate);
  set_deadlines();
}

Session::~Session() {
  if (active_) end_exchange(false);
}

bool Session::wants_bytes() const {
  if (!active_) return connection_.output().size() < net::OutputQueue::kHighMark;
  if (active_->body_complete) return false;
  // The end of a chunked body needs no credit, as that of a counted one needs none.
  const bool framing_is_next = active_->framing.body == http::BodyRule::Chunked && !active_->decoder.in_data();
  return most_body_bytes() > 0 || (framing_is_next && active_->exchange.sink() != nullptr);
}

std::size_t Session::on_bytes(std::span<const std::byte> input) {
  std::size_t used = 0;
  while (used < input.size() && connection_.open()) {
    const std::span<const std::byte> rest = input.subspan(used);
    const std::size_t taken = active_ ? take_body(rest) : take_head(rest);
    used += taken;
    const bool settled = settle_exchange();
    // Answers that nobody reads yet hold the requests behind them back.
    if (!wants_bytes() || (!settled && taken == 0)) break;
  }
  set_deadlines();
  return used;
}

std::size_t Session::take_head(std::span<const std::byte> input) {
  const ParseResult result =
      parse_request_head(as_text(input), scanned_, factory_.head_limits_, factory_.fields_);
  if (const auto* parsed = std::get_if<Parsed>(&result)) {
    scanned_ = 0;
    head_deadline_ = kNever;
    more_waits_ = parsed->consumed < input.size();
    begin_request(parsed->head, parsed->consumed);
    return parsed->consumed;
  }
  if (const auto* refused = std::get_if<Refused>(&result)) {
    refuse_head(refused->why);
    return 0;
  }
  // The first head has its time from the start of the connection, whenever its first byte came.
  if (head_deadline_ == kNever)
    head_deadline_ =
        used_ ? connection_.now() + factory_.config_.timeouts.request_header : connection_.deadline();
  connection_.set_state(stats::ConnectionState::Reading);
  return 0;
}

// A new exchange for a head that is complete. Its bytes are copied, since the input is gone after this call.
void Session::begin_request(const RequestHead& head, std::size_t consumed) {
  active_ = factory_.take();
  Active& active = *active_;
  active.exchange.begin(*this, connection_.listener().listener);
  active.exchange.account.received = consumed;
  active.framing = http::Framing{};
  active.body_received = 0;
  active.patience.refill();
  active.body_complete = active.body_cut = false;
  active.continue_due = active.source_waits = active.response_complete = false;
  active.keep_alive = true;
  if (!fill_request(head)) return;
  active.body_left = active.framing.length;
  active.body_complete = active.framing.body == http::BodyRule::None ||
                         (active.framing.body == http::BodyRule::Length && active.framing.length == 0);
  active.continue_due = active.framing.expects_continue && !active.body_complete;
  connection_.set_state(stats::ConnectionState::Writing);
  unreceived_ = 0;
  factory_.dispatcher_.dispatch(active.exchange);
}

bool Session::fill_request(const RequestHead& head) {
  Active& active = *active_;
  api::Request& request = active.exchange.mutable_request();
  http::Arena& arena = active.exchange.arena();
  // All views of the head lie in one stretch of the input: one copy, then the same distance for each.
  const char* begin = head.method.data();
  const char* end = head.target.data() + head.target.size();
  if (!head.fields.empty()) {
    const std::string_view last = head.fields.back().value;
    end = std::max(end, last.data() + last.size());
  }
  const auto length = static_cast<std::size_t>(end - begin);
  const std::span<std::byte> room = arena.allocate(head.fields.size() * sizeof(api::Field) + length);
  auto* const fields = reinterpret_cast<api::Field*>(room.data());
  auto* const copy = reinterpret_cast<char*>(fields + head.fields.size());
  std::memcpy(copy, begin, length);
  const auto moved = [&](std::string_view view) {
    return std::string_view(copy + (view.data() - begin), view.size());
  };
  for (std::size_t i = 0; i < head.fields.size(); ++i)
    new (fields + i) api::Field{moved(head.fields[i].name), moved(head.fields[i].value)};

  request.method_name = moved(head.method);
  request.method = api::method_from(request.method_name);
  request.target = moved(head.target);
  request.version = head.version;
  request.secure = connection_.listener().secure;
  request.tls = connection_.tls();
  request.fields = {fields, head.fields.size()};

  if (const auto why = http::frame_request(request.method, head.version, request.fields, active.framing))
    return refuse(*why), false;
  request.has_body = active.framing.body != http::BodyRule::None;
  if (active.framing.body == http::BodyRule::Length) request.content_length = active.framing.length;

  const std::span<std::byte> decoded = arena.allocate(http::decoded_room(request.target));
  const http::RequestTarget target = http::parse_request_target(
      request.target, request.method, {reinterpret_cast<char*>(decoded.data()), decoded.size()});
  if (target.form == http::TargetForm::Refused) return refuse(BadRequest::Target), false;
  if (target.form == http::TargetForm::Authority) return refuse_tunnel(), false;
  // RFC 9110 section 7.4: an https resource is not to be had in clear, but from a gateway that is trusted.
  if (target.https && !request.secure && !connection_.listener().proxy)
    return refuse(BadRequest::Misdirected), false;
  request.path = target.path;
  request.query = target.query;
  request.encoded_slash = target.encoded_slash;
  // RFC 9112 section 3.2.2: the authority of an absolute target takes the place of Host, which must still be
  // valid.
  const std::optional<std::string_view> host = http::host_of_authority(active.framing.host);
  const std::optional<std::string_view> authority =
      target.form == http::TargetForm::Absolute ? http::host_of_authority(target.authority) : host;
  if (!host || !authority) return refuse(BadRequest::Host), false;
  request.host = *authority;
  return true;
}

// Nothing behind a refused message is ever read as a request.
void Session::refuse(BadRequest why) {
  cut_request_body();
  factory_.dispatcher_.refuse(active_->exchange, why);
}

// CONNECT is for proxies (RFC 9110 sections 9.1, 9.3.6). What follows was meant for the tunnel's other end.
void Session::refuse_tunnel() {
  cut_request_body();
  active_->exchange.fail(501);
}

// The rest of the body is not read, so the connection cannot go on behind it; a sink never takes the part for
// the whole.
void Session::cut_request_body() {
  Active& active = *active_;
  active.keep_alive = false;
  active.body_complete = active.body_cut = true;
  active.exchange.sink_done();
}

// A head that could not be parsed has no request to speak of; the exchange only carries the answer.
void Session::refuse_head(BadRequest why) {
  scanned_ = 0;
  head_deadline_ = kNever;
  active_ = factory_.take();
  Active& active = *active_;
  active.exchange.begin(*this, connection_.listener().listener);
  active.exchange.mutable_request().method = api::Method::Other;
  active.framing = http::Framing{};
  active.body_left = 0;
  active.continue_due = active.source_waits = active.response_complete = false;
  connection_.set_state(stats::ConnectionState::Writing);
  refuse(why);
}

// How much body may be taken now: what the sink has credit for, or what may be skipped.
std::size_t Session::most_body_bytes() const {
  const Active& active = *active_;
  if (active.exchange.sink() != nullptr) return active.exchange.credit();
  return active.response_complete ? net::OutputQueue::kHighMark : 0;
}

std::size_t Session::take_body(std::span<const std::byte> input) {
  if (active_->body_complete) return 0;
  const std::size_t taken =
      active_->framing.body == http::BodyRule::Chunked ? take_chunked(input) : take_counted(input);
  if (active_) {
    active_->exchange.account.received += taken;
    active_->patience.moved(taken, connection_.now());
  }
  return taken;
}

std::size_t Session::take_counted(std::span<const std::byte> input) {
  Active& active = *active_;
  const std::size_t part =
      static_cast<std::size_t>(std::min<std::uint64_t>({input.size(), active.body_left, most_body_bytes()}));
  if (part == 0) return 0;
  active.body_left -= part;
  deliver(input.first(part));
  if (active.body_left == 0) end_request_body();
  return part;
}

std::size_t Session::take_chunked(std::span<const std::byte> input) {
  Active& active = *active_;
  const http::ChunkedDecoder::Step step = active.decoder.decode(input, most_body_bytes());
  const bool answered = active.exchange.answered();
  if (step.refused) {
    refuse(*step.refused);
    // An answer that is under way was made from a part of the body: it must not look whole.
    if (answered && !active.response_complete) connection_.abort();
    return step.consumed;
  }
  if (active.body_received + step.data.size() > limits().request_body) {
    refuse(BadRequest::BodyTooLarge);
    if (answered && !active.response_complete) connection_.abort();
    return step.consumed;
  }
  if (!step.data.empty()) deliver(step.data);
  if (step.done && take_trailers()) end_request_body();
  return step.consumed;
}

// False: there were too many of them.
bool Session::take_trailers() {
  Active& active = *active_;
  const bool answered = active.exchange.answered();
  std::uint32_t count = 0;
  const std::string lines = active.decoder.take_trailers();
  for (std::string_view rest = lines; rest.find(':') != std::string_view::npos;) {
    if (++count > factory_.config_.limits.header_count) {
      refuse(BadRequest::TooManyFields);
      if (answered && !active.response_complete) connection_.abort();
      return false;
    }
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::size_t colon = line.find(':');
    active.exchange.add_request_trailer(line.substr(0, colon), trim_ows(line.substr(colon + 1)));
    rest.remove_prefix(line.size() + 1);
  }
  return true;
}

void Session::deliver(std::span<const std::byte> data) {
  Active& active = *active_;
  active.body_received += data.size();
  api::BodySink* sink = active.exchange.sink();
  if (sink != nullptr) {
    active.exchange.use_credit(data.size());
    active.exchange.show_activity();
    try {
      sink->on_body(data);
    } catch (...) {
      cut_request_body();
      factory_.dispatcher_.handler_threw(active.exchange);
    }
  } else if (active.body_received > kMostSkipped) {
    cut_request_body();
  }
}

void Session::end_request_body() {
  Active& active = *active_;
  active.body_complete = true;
  api::BodySink* sink = active.exchange.sink();
  active.exchange.sink_done();
  if (sink == nullptr) return;
  active.exchange.show_activity();
  try {
    sink->on_body_end();
  } catch (...) {
    factory_.dispatcher_.handler_threw(active.exchange);
  }
}

void Session::body_wanted(http::Exchange& exchange) {
  Active& active = *active_;
  if (active.body_cut) return exchange.sink_done();
  if (active.body_complete) {
    // Nothing will come (any more), and the sink is told so at once.
    if (exchange.sink() != nullptr) end_request_body();
    return;
  }
  if (active.continue_due && exchange.credit() > 0) {
    active.continue_due = false;
    if (!exchange.answered()) connection_.output().append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  set_deadlines();
  connection_.resume();
}

// Called once all input that can be used was used; again after each exchange that was still open then.
void Session::on_end() {
  peer_ended_ = true;
  if (!active_) return connection_.finish(false);
  if (active_->body_complete) return;
  if (active_->framing.body == http::BodyRule::Tunnel) return end_request_body();
  // The peer broke its promise of a body. Who answered without asking for it can still be heard.
  if (active_->exchange.sink() != nullptr || !active_->exchange.answered()) return connection_.abort();
  cut_request_body();
}

// Ends the exchange once both halves are done, or once the rest of the request is not worth reading.
bool Session::settle_exchange() {
  if (!active_ || !active_->response_complete) return false;
  if (!active_->body_complete) {
    active_->exchange.sink_done();
    if (active_->keep_alive) return false;
  }
  const bool keep_alive = active_->keep_alive;
  // A client that asked for the close and has sent all of its request sends nothing more; any other may be
  // sending now, and so may one that was refused: a reset would take its answer away (RFC 9112 section 9.6).
  const bool whole = active_->body_complete && !active_->body_cut;
  const bool linger = !whole || active_->framing.keep_alive;
  end_exchange(true);
  if (!keep_alive) connection_.finish(linger);
  return true;
}

void Session::end_exchange(bool complete) {
  used_ = true;
  factory_.dispatcher_.finished(active_->exchange, complete);
  factory_.give_back(std::move(active_));
  connection_.set_state(stats::ConnectionState::Idle);
  if (peer_ended_ && connection_.open()) connection_.resume();
}

std::string_view Session::activity() const {
  if (!active_ && !connection_.output().empty()) return "sending response";
  if (!active_) return head_deadline_ == kNever ? "waiting for a request" : "reading request head";
  if (!active_->body_complete && !active_->response_complete) return "reading request body";
  return "sending response";
}

}  // namespace holdfast::http1
