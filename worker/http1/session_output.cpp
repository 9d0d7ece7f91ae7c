// The writing half of a session: heads, body framing, pulling bodies while there is room.
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <variant>

#include "common/api/status.h"
#include "common/log.h"
#include "worker/http1/session.h"

namespace holdfast::http1 {
namespace {

// A file is handed over in parts, so that its exchange ends (and is counted) with its last part, not with its
// first.
constexpr std::uint64_t kFilePart = 2 * 1024 * 1024;
constexpr std::uint64_t kLongRest = 64 * 1024;
constexpr std::uint16_t kSwitchingProtocols = 101;
constexpr std::size_t kStreamPart = net::OutputQueue::kChunk;

}  // namespace

std::string Session::peer_text() const {
  return connection_.peer().text();
}

std::uint64_t Session::connection_id() const {
  return connection_.id();
}

void Session::choose_body_end(const api::Body& body, std::uint16_t status, bool send_body, HeadToWrite& head) {
  const std::optional<std::uint64_t> length = body.length();
  head.end = BodyEnd::NoBody;
  // RFC 9110 section 8.6: no Content-Length with 1xx and 204; a 304 may leave it out.
  if (!api::status_has_body(status)) return;
  if (length) {
    head.end = BodyEnd::Length;
    head.length = *length;
  } else if (head.version != api::Version::Http10) {
    head.end = BodyEnd::Chunked;
  } else if (send_body) {
    head.end = BodyEnd::Close;
    head.keep_alive = false;
  }
}

void Session::begin_tunnel() {
  Active& active = *active_;
  active.framing.body = http::BodyRule::Tunnel;
  active.body_left = std::numeric_limits<std::uint64_t>::max();
  active.body_complete = false;
  active.continue_due = false;
}

void Session::start_response(http::Exchange& exchange, http::Response&& response, bool send_body) {
  Active& active = *active_;
  const bool tunnel = exchange.upgraded() && response.status == kSwitchingProtocols;
  HeadToWrite head;
  head.status = response.status;
  head.fields = response.fields;
  head.text = response.text;
  head.hide_server = response.hide_server;
  head.version = exchange.request().version;
  // Nobody asked for the body and much of it may come: rather close than read it all (RFC 9112 section 9.3).
  const bool unread = !active.body_complete && exchange.sink() == nullptr;
  const bool long_rest = active.framing.body == http::BodyRule::Chunked || active.body_left > kLongRest;
  if (unread && long_rest) active.keep_alive = false;
  // A client that was never told to go on may send the body after this answer or not at all (RFC 9110 section
  // 10.1.1): what comes next could be either. A sink that was given no credit changes nothing about that.
  if (active.continue_due && !active.body_complete) active.keep_alive = false;
  // A leaving worker still answers what is already here behind this request.
  const bool leaves = connection_.draining() && !(more_waits_ && active.body_complete);
  active.keep_alive = active.keep_alive && active.framing.keep_alive && !leaves;
  head.keep_alive = active.keep_alive;
  choose_body_end(response.body, response.status, send_body, head);
  if (tunnel) {
    begin_tunnel();
    head.end = BodyEnd::Upgrade;
    head.keep_alive = false;
  }
  active.keep_alive = head.keep_alive;
  active.end = head.end;
  if (active.end == BodyEnd::Close) connection_.end_only_by_finish();
  exchange.account.head_sent = write_head(connection_.output(), head, factory_.clock_);
  active.source_left = head.length;
  connection_.set_write_timeout(timeouts().response_write, limits().response_rate);
  // Bytes without an owner end with this call: they are taken in, however full the queue is.
  auto* const bytes = std::get_if<api::Body::Bytes>(&response.body.content);
  if (send_body && bytes != nullptr && !bytes->hold) {
    send_bytes(*bytes);
  } else {
    if (send_body) active.body = std::move(response.body);
    pump();
  }
  // The handler may have answered long after its call, when nothing else would look at the connection.
  if (!active.body_complete) set_deadlines();
  connection_.resume();
}

void Session::complete_response() {
  Active& active = *active_;
  if (active.end == BodyEnd::Chunked && !std::holds_alternative<api::Body::None>(active.body.content))
    write_last_chunk(connection_.output(), active.exchange.trailers());
  active.response_complete = true;
}

void Session::pump() {
  Active& active = *active_;
  while (!active.response_complete && !active.source_waits && connection_.open() &&
         connection_.output().size() < net::OutputQueue::kHighMark) {
    if (auto* bytes = std::get_if<api::Body::Bytes>(&active.body.content)) {
      send_bytes(*bytes);
    } else if (auto* file = std::get_if<api::Body::File>(&active.body.content)) {
      send_file(*file);
    } else if (auto* stream = std::get_if<api::Body::Stream>(&active.body.content)) {
      send_stream(*stream);
    } else {
      complete_response();
    }
  }
}

void Session::send_bytes(api::Body::Bytes& bytes) {
  active_->exchange.account.body_sent += bytes.bytes.size();
  if (bytes.hold) {
    connection_.output().append_held(bytes.bytes, std::move(bytes.hold));
  } else {
    connection_.output().append(bytes.bytes);
  }
  complete_response();
}

void Session::send_file(api::Body::File& file) {
  const std::uint64_t part = std::min(file.length, kFilePart);
  const bool last = part == file.length;
  connection_.output().append_file(file.fd, file.offset, part, last ? std::move(file.hold) : nullptr);
  file.offset += part;
  file.length -= part;
  active_->exchange.account.body_sent += part;
  if (last) complete_response();
}

// One piece from the source straight into the output queue, framed in place. Returns its size.
std::size_t Session::read_piece(api::BodySource& source, api::Pull& next) {
  Active& active = *active_;
  const bool chunked = active.end == BodyEnd::Chunked;
  const std::size_t framing = chunked ? kChunkPrefix + kChunkSuffix : 0;
  std::span<std::byte> room = connection_.output().room(kStreamPart / 4);
  std::span<std::byte> data = chunked ? room.subspan(kChunkPrefix, room.size() - framing) : room;
  if (active.end == BodyEnd::Length && data.size() > active.source_left)
    data = data.first(static_cast<std::size_t>(active.source_left));
  api::Pulled pulled;
  active.exchange.show_activity();
  try {
    pulled = source.read(data);
  } catch (...) {
    factory_.dispatcher_.handler_threw(active.exchange);
    pulled = {0, api::Pull::Failed};
  }
  next = pulled.next;
  if (pulled.bytes == 0) {
    connection_.output().commit(0);
    return 0;
  }
  if (chunked) {
    write_chunk_prefix(room.first<kChunkPrefix>(), static_cast<std::uint32_t>(pulled.bytes));
    std::memcpy(room.data() + kChunkPrefix + pulled.bytes, "\r\n", kChunkSuffix);
  }
  connection_.output().commit(pulled.bytes + framing);
  return pulled.bytes;
}

void Session::send_stream(api::Body::Stream& stream) {
  Active& active = *active_;
  if (active.end == BodyEnd::Length && active.source_left == 0) return complete_response();
  api::Pull next = api::Pull::Failed;
  const std::size_t bytes = read_piece(*stream.source, next);
  active.exchange.account.body_sent += bytes;
  if (active.end == BodyEnd::Length) active.source_left -= bytes;
  const bool whole = active.end == BodyEnd::Length && active.source_left == 0;
  switch (next) {
    case api::Pull::More:
      if (whole) return complete_response();
      if (bytes > 0) return;
      log().error("response body neither gave bytes nor said Later", {{"connection", connection_.id()}});
      return connection_.abort();
    case api::Pull::Later:
      if (whole) return complete_response();
      active.source_waits = true;
      return;
    case api::Pull::End:
      if (whole || active.end != BodyEnd::Length) return complete_response();
      log().error("response body ended before its announced length",
                  {{"connection", connection_.id()}, {"missing", active.source_left}});
      return connection_.abort();
    case api::Pull::Failed:
      log().info("response body could not be completed; connection closed",
                 {{"connection", connection_.id()}, {"request", active.exchange.request().target}});
      return connection_.abort();
  }
}

bool Session::on_room() {
  if (!active_ || !active_->exchange.answered()) return false;
  const std::uint64_t before = connection_.output().size();
  const bool was_complete = active_->response_complete;
  pump();
  const bool produced = connection_.output().size() > before;
  const bool completed = active_->response_complete && !was_complete;
  if (settle_exchange() || completed) {
    // What waited behind this answer, requests or a body that nobody reads, is in the connection's pending
    // input.
    connection_.resume();
    set_deadlines();
  }
  return produced;
}

void Session::body_ready(http::Exchange& /*exchange*/) {
  if (!active_ || !active_->source_waits) return;
  active_->source_waits = false;
  connection_.resume();
}

bool Session::send_now(http::Exchange& exchange, std::span<const std::string_view> parts) {
  if (!active_ || !active_->source_waits || active_->end != BodyEnd::Upgrade) return false;
  net::OutputQueue& output = connection_.output();
  if (output.size() >= net::OutputQueue::kHighMark || !connection_.open()) return false;
  for (const std::string_view part : parts) {
    output.append(part);
    exchange.account.body_sent += part.size();
  }
  connection_.resume();
  return true;
}

void Session::reset(http::Exchange& /*exchange*/) {
  connection_.abort();
}

}  // namespace holdfast::http1
