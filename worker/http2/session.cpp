#include "worker/http2/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/log.h"

namespace holdfast::http2 {
namespace {

constexpr std::size_t kMostSpare = 256;
constexpr std::uint32_t kConnectionWindow = 1 << 20;
constexpr Milliseconds kLookAtStreams{1000};
// A field section this many times the announced limit was never meant to be answered.
constexpr std::size_t kBombFactor = 8;
constexpr std::size_t kRecent = 256;
// Of one field section: 16 KiB each, when they are full.
constexpr std::size_t kMostContinuations = 7;
// The peer's answer to the ping ends the wait for requests that crossed our first GOAWAY.
constexpr Milliseconds kGoodbyeAfter{1000};
constexpr Milliseconds kShortGrace{500};

Stream& of(FrameStream& stream) {
  return static_cast<Stream&>(stream);
}

}  // namespace

SessionFactory::SessionFactory(const config::Config& config, http::Dispatcher& dispatcher,
                               const http::TurnClock& clock, stats::WorkerStats& stats)
    : config_(config), dispatcher_(dispatcher), clock_(clock), pulled_(net::OutputQueue::kChunk) {
  spare_.reserve(kMostSpare);
  for (std::uint16_t kind = 0; kind < std::size(abuses_); ++kind)
    abuses_[kind] = stats.cell(stats::Metric::Http2Abuses, kind);
}

SessionFactory::~SessionFactory() = default;

std::unique_ptr<net::Protocol> SessionFactory::make(net::Connection& connection, std::string_view /*alpn*/) {
  return std::make_unique<Session>(*this, connection);
}

bool SessionFactory::is_preface(std::span<const std::byte> input) {
  constexpr std::string_view kBegin = "PRI * HTTP/2.0\r\n";
  return input.size() >= kBegin.size() && std::memcmp(input.data(), kBegin.data(), kBegin.size()) == 0;
}

std::unique_ptr<Stream> SessionFactory::take() {
  if (spare_.empty()) return std::make_unique<Stream>(clock_);
  std::unique_ptr<Stream> stream = std::move(spare_.back());
  spare_.pop_back();
  return stream;
}

void SessionFactory::give_back(std::unique_ptr<Stream> stream) {
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(stream));
}

Session::Session(SessionFactory& factory, net::Connection& connection)
    : factory_(factory),
      connection_(connection),
      frames_(*this, connection.output(),
              {.fields = static_cast<std::uint32_t>(factory.config_.limits.request_headers),
               .window = kConnectionWindow}) {
  broken_ = !frames_.usable();
  connection_.set_write_timeout(factory_.config_.timeouts.response_write,
                                factory_.config_.limits.response_rate);
  if (connection_.draining()) begin_drain(connection_.drain_kind());
  set_deadline();
}

Session::~Session() {
  // What ends with a stream may wake another one of the same connection.
  for (const auto& stream : streams_) frames_.forget(*stream);
  while (!streams_.empty()) end_stream(*streams_.back(), false);
}

bool Session::wants_bytes() const {
  return connection_.output().size() < net::OutputQueue::kHighMark;
}

std::size_t Session::on_bytes(std::span<const std::byte> input) {
  if (broken_) return connection_.abort(), input.size();
  busy_ = true;
  // Who is ended for abuse has its GOAWAY submitted already.
  const std::optional<std::size_t> taken = frames_.receive(input);
  if (!taken && !leaving_) broken_ = true;
  busy_ = false;
  feed_all();
  pump();
  settle();
  return taken.value_or(input.size());
}

bool Session::on_room() {
  const std::uint64_t before = connection_.output().size();
  feed_all();
  pump();
  settle();
  return connection_.output().size() > before;
}

// Frames that are ready go into the output, as long as it takes more.
void Session::pump() {
  busy_ = true;
  while (!broken_ && connection_.open() && connection_.output().size() < net::OutputQueue::kHighMark)
    if (!frames_.produce()) break;
  busy_ = false;
}

// What the state of things asks for once frames were read or written.
void Session::settle() {
  if (!connection_.open()) return;
  if (peer_ended_ && connection_.output().empty() && !frames_.wants_output()) give_up_stalled();
  if (broken_) return connection_.abort();
  const bool over = !frames_.wants_input() && !frames_.wants_output();
  const bool left = streams_.empty() && (peer_ended_ || said_goodbye_);
  if ((over || left) && !frames_.wants_output()) return connection_.finish(!peer_ended_);
  connection_.set_state(streams_.empty() ? stats::ConnectionState::Idle : stats::ConnectionState::Writing);
  set_deadline();
}

// No window will be opened any more.
void Session::give_up_stalled() {
  for (const auto& stream : streams_)
    if (stream->waits_for_peer()) frames_.reset(*stream, ErrorCode::Cancel);
  pump();
}

void Session::wake() {
  if (!busy_) connection_.resume();
}

void Session::feed_later(std::int32_t stream) {
  to_feed_.push_back(stream);
  wake();
}

// A handler may want more while it is being fed: it is fed by its own loop then, and its number is here again.
void Session::feed_all() {
  for (std::size_t i = 0; i < to_feed_.size(); ++i) {
    FrameStream* const stream = frames_.stream(to_feed_[i]);
    if (stream != nullptr) of(*stream).feed();
  }
  to_feed_.clear();
}

void Session::on_end() {
  if (!std::exchange(peer_ended_, true))
    for (const auto& stream : streams_) stream->peer_has_ended();
  pump();
  settle();
}

std::string_view Session::activity() const {
  if (streams_.empty()) return connection_.output().empty() ? "waiting for a request" : "sending response";
  return "serving HTTP/2 streams";
}

// ---- time

void Session::set_deadline() {
  if (!streams_.empty()) {
    if (next_look_ == kNever) next_look_ = connection_.now() + kLookAtStreams;
    return connection_.set_deadline(std::min(next_look_, goodbye_at_));
  }
  next_look_ = kNever;
  const bool was_busy = std::exchange(answered_, false);
  if (goodbye_at_ != kNever) return connection_.set_deadline(goodbye_at_);
  const config::Timeouts& timeouts = factory_.config_.timeouts;
  const Milliseconds idle = leaving_ ? kShortGrace : used_ ? timeouts.keep_alive : timeouts.request_header;
  // Pings and the like do not make a connection look used.
  if (was_busy || connection_.deadline() == kNever) connection_.set_deadline(connection_.now() + idle);
}

void Session::on_timeout(TimePoint now) {
  if (goodbye_at_ <= now) say_goodbye();
  if (streams_.empty() && goodbye_at_ == kNever && !said_goodbye_) {
    end(ErrorCode::NoError);
  }
  if (next_look_ <= now) look_at_streams(now);
  pump();
  settle();
}

// A peer that neither sends what it began nor takes what it asked for is not waited for.
void Session::look_at_streams(TimePoint now) {
  next_look_ = now + kLookAtStreams;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = *streams_[i];
    if (stream.body_deadline() <= now) stream.request_is_late();
    // RFC 9113 section 8.1: the rest of the request is not needed. Not said at once: with the reset some
    // clients throw the answer away that they have just got.
    if (stream.lingers() && stream.moved_at() + kLookAtStreams <= now)
      frames_.reset(stream, ErrorCode::NoError);
    if (stream.awaits_fields() && stream.opened_at() + factory_.config_.timeouts.request_header <= now)
      return end_late_fields(stream);
    if (!is_stalled(stream, now)) continue;
    factory_.abuses_[static_cast<std::size_t>(Abuse::StalledWindow)].add();
    frames_.reset(stream, ErrorCode::Cancel);
  }
}

// While our own output does not move, that is what is waited for. A stream whose window is open waits for its
// turn, or for the window of the connection: that is stalled when nothing at all moves.
bool Session::is_stalled(Stream& stream, TimePoint now) {
  const bool ours = connection_.output().size() >= net::OutputQueue::kHighMark;
  if (stream.reader_deadline(!ours && stream.window() <= 0) <= now) return true;
  if (ours || !stream.waits_for_peer()) return false;
  return std::max(moved_at_, stream.moved_at()) + stream.timeouts().response_write <= now;
}

// Nothing else can come on the connection before the rest of the section has (RFC 9113 section 4.3).
void Session::end_late_fields(Stream& stream) {
  factory_.dispatcher_.refuse(stream.exchange, stats::BadRequest::HeadTimeout);
  end(ErrorCode::NoError);
}

void Session::begin_drain(net::Drain how) {
  if (said_goodbye_ || broken_) return;
  if (goodbye_at_ == kNever) frames_.announce_end();
  goodbye_at_ = connection_.now() + (how == net::Drain::Soon ? kShortGrace : kGoodbyeAfter);
  set_deadline();
  wake();
}

// RFC 9113 section 6.8: what was begun is answered.
void Session::say_goodbye() {
  goodbye_at_ = kNever;
  if (std::exchange(said_goodbye_, true)) return;
  frames_.goodbye();
}

void Session::on_pong() {
  if (goodbye_at_ != kNever) say_goodbye();
}

// ---- bounds

bool Session::note(Abuse kind) {
  if (abuse_.note(kind, connection_.now())) return true;
  calm(kind);
  return false;
}

void Session::calm(Abuse kind) {
  factory_.abuses_[static_cast<std::size_t>(kind)].add();
  if (log().enabled(LogLevel::Info) && factory_.abuse_lines_.allow(connection_.now()))
    log().info("HTTP/2 connection ended",
               {{"reason", stats::label_text(stats::Label::Http2Abuse, static_cast<std::uint32_t>(kind))},
                {"client", connection_.peer().text()},
                {"connection", connection_.id()},
                {"not_told", factory_.abuse_lines_.suppressed()}});
  end(ErrorCode::EnhanceYourCalm);
}

void Session::end(ErrorCode why) {
  frames_.terminate(why);
  leaving_ = true;
}

// RFC 9113 section 5.1.1: numbers only grow, and those that were left out are closed.
bool Session::is_skipped(std::int32_t id) const {
  if (id % 2 == 0 || id > newest_ || frames_.stream(id) != nullptr) return false;
  return std::ranges::find(recent_, id) == recent_.end() && (recent_.size() < kRecent || id > newest_ - 512);
}

bool Session::on_frame_begin(const FrameHead& frame) {
  if (leaving_) return false;
  switch (frame.type) {
    case FrameType::Headers:
      section_bytes_ = continuations_ = 0;
      if (!is_skipped(frame.stream)) return true;
      return end(ErrorCode::ProtocolError), false;
    case FrameType::Continuation:
      if (++continuations_ <= kMostContinuations) return true;
      return calm(Abuse::Continuation), false;
    case FrameType::Data:
      return frame.length > 0 || frame.ends() || note(Abuse::EmptyFrames);
    case FrameType::Settings:
      return note(Abuse::Settings);
    case FrameType::Ping:
      return frame.acknowledges() || note(Abuse::Ping);
    case FrameType::Priority:
    case FrameType::PriorityUpdate:
      return note(Abuse::Priority);
    case FrameType::WindowUpdate:
      return may_update_window();
    case FrameType::PushPromise:  // refused
    case FrameType::Reset:
    case FrameType::GoAway:
      return true;
  }
  return true;
}

// Some clients give credit back for every frame, however small. What nothing was sent for is no credit.
bool Session::may_update_window() {
  constexpr std::uint64_t kForOne = 4;
  return ++updates_ <= (data_frames_ + requests_) * kForOne || note(Abuse::WindowUpdates);
}

bool Session::on_field_bytes(std::size_t bytes) {
  section_bytes_ += bytes;
  if (section_bytes_ <= factory_.config_.limits.request_headers * kBombFactor) return true;
  calm(Abuse::FieldBomb);
  return false;
}

void Session::on_reset(FrameStream& stream) {
  if (!of(stream).response_complete()) note(Abuse::RapidReset);
}

void Session::on_our_reset(ErrorCode why) {
  if (leaving_) return;
  // RFC 9113 section 6.5.2: of the connection, when SETTINGS have made the window too large.
  if (why == ErrorCode::FlowControlError) return end(why);
  note(Abuse::MadeYouReset);
}

// ---- streams

Opened Session::on_request_begin(std::int32_t id) {
  newest_ = std::max(newest_, id);
  if (recent_.size() < kRecent) {
    recent_.push_back(id);
  } else {
    recent_[recent_at_++ % kRecent] = id;
  }
  if (leaving_ || said_goodbye_ || streams_.size() >= Announced{}.streams) return {true, nullptr};
  used_ = true;
  ++requests_;
  streams_.push_back(factory_.take());
  Stream& stream = *streams_.back();
  stream.index = streams_.size() - 1;
  stream.open(*this);
  return {false, &stream};
}

void Session::on_field(FrameStream& stream, std::string_view name, std::string_view value) {
  of(stream).take_field(name, value);
}

void Session::on_trailer(FrameStream& stream, std::string_view name, std::string_view value) {
  of(stream).take_trailer(name, value);
}

void Session::on_request_head(FrameStream& stream, bool ends) {
  of(stream).begin_request(ends);
}

void Session::on_data(FrameStream& stream, std::span<const std::byte> data) {
  of(stream).take_data(data);
}

void Session::on_request_end(FrameStream& stream) {
  of(stream).end_data();
}

void Session::on_fields_sent(FrameStream& stream, std::size_t bytes) {
  of(stream).exchange.account.head_sent += bytes;
}

void Session::on_response_end(FrameStream& stream) {
  Stream& sent = of(stream);
  sent.response_left();
  if (peer_ended_ && !sent.request_ended()) frames_.reset(sent, ErrorCode::NoError);
}

void Session::on_stream_end(FrameStream& stream) {
  end_stream(of(stream), of(stream).response_complete());
}

void Session::end_stream(Stream& stream, bool complete) {
  answered_ = true;
  stream.close(complete);
  std::unique_ptr<Stream> ended = std::exchange(streams_[stream.index], std::move(streams_.back()));
  streams_.pop_back();
  if (ended->index < streams_.size()) streams_[ended->index]->index = ended->index;
  factory_.give_back(std::move(ended));
}

Pulled Session::pull(FrameStream& stream, std::size_t most) {
  const Stream::Next next = of(stream).next_data(most);
  switch (next.kind) {
    case Stream::Next::Kind::Later:
      return {Pulled::Kind::Later};
    case Stream::Next::Kind::Broken:
      return {Pulled::Kind::Broken};
    case Stream::Next::Kind::Data:
      break;
  }
  if (!next.ends) return {Pulled::Kind::Data, next.bytes};
  return {Pulled::Kind::Data, next.bytes, true, of(stream).exchange.trailers()};
}

bool Session::write_data(FrameStream& stream, std::span<std::byte> room) {
  if (!of(stream).write_data(room)) return false;
  ++data_frames_;
  moved_at_ = connection_.now();
  return true;
}

}  // namespace holdfast::http2
