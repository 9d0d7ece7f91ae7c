// The response of a stream: its head, and the frames of its body, each made when its turn has come.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>
#include <variant>

#include "common/api/status.h"
#include "common/log.h"
#include "worker/http/field_rules.h"
#include "worker/http2/session.h"
#include "worker/http2/stream.h"

namespace holdfast::http2 {
namespace {

/// RFC 9113 section 8.2.2: fields about a connection have no meaning here.
bool is_of_connection(std::string_view name) {
  return ascii_iequals(name, "keep-alive") || ascii_iequals(name, "upgrade") ||
         ascii_iequals(name, "proxy-connection");
}

class Number {
 public:
  explicit Number(std::uint64_t value) {
    size_ = static_cast<std::size_t>(std::to_chars(text_.data(), text_.data() + text_.size(), value).ptr -
                                     text_.data());
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 20> text_;
  std::size_t size_;
};

/// "Date: VALUE\r\n" -> VALUE
std::string_view value_of(std::string_view line) {
  constexpr std::string_view kName = "Date: ";
  return line.substr(kName.size(), line.size() - kName.size() - 2);
}

}  // namespace

void Stream::start_response(http::Exchange& /*exchange*/, http::Response&& response, bool send_body) {
  const Number status(response.status);
  const std::optional<std::uint64_t> length = response.body.length();
  const Number length_text(length.value_or(0));
  const std::span<std::byte> room =
      exchange.arena().allocate((response.fields.size() + 4) * sizeof(api::Field));
  auto* const fields = reinterpret_cast<api::Field*>(room.data());
  std::size_t count = 0;
  const auto add = [&](std::string_view name, std::string_view value) {
    new (fields + count++) api::Field{name, value};
  };
  add(":status", status.text());
  if (!response.hide_server) add("server", "holdfast");
  add("date", value_of(session_->factory().clock_.date_field()));
  for (const api::Field& field : response.fields)
    if (!http::is_core_field(field.name) && !is_of_connection(field.name)) add(field.name, field.value);
  if (length && api::status_has_body(response.status)) add("content-length", length_text.text());

  body_ = send_body ? std::move(response.body) : api::Body::none();
  if (auto* bytes = std::get_if<api::Body::Bytes>(&body_.content); bytes != nullptr && !bytes->hold) {
    own_.assign(bytes->bytes);
    bytes->bytes = own_;
  }
  const bool body = !std::holds_alternative<api::Body::None>(body_.content) && length != std::uint64_t{0};
  moved_at_ = session_->connection().now();
  session_->frames().respond(*this, {fields, count}, body);
  session_->wake();
}

void Stream::body_ready(http::Exchange& /*exchange*/) {
  if (!source_waits_) return;
  source_waits_ = false;
  moved_at_ = session_->connection().now();
  if (std::exchange(deferred_, false)) session_->frames().resume_body(*this);
  session_->wake();
}

void Stream::reset(http::Exchange& /*exchange*/) {
  session_->frames().reset(*this, ErrorCode::InternalError);
  session_->wake();
}

Stream::Next Stream::next_data(std::size_t most) {
  const auto part_of = [&](std::uint64_t left) {
    due_ = std::min<std::uint64_t>(left, most);
    return Next{Next::Kind::Data, static_cast<std::size_t>(due_), due_ == left};
  };
  if (const auto* bytes = std::get_if<api::Body::Bytes>(&body_.content))
    return part_of(bytes->bytes.size() - sent_);
  if (const auto* file = std::get_if<api::Body::File>(&body_.content)) return part_of(file->length - sent_);
  if (const auto* stream = std::get_if<api::Body::Stream>(&body_.content))
    return next_of_source(*stream->source, stream->length, most);
  due_ = 0;
  return {Next::Kind::Data, 0, true};
}

Stream::Next Stream::next_of_source(api::BodySource& source, std::optional<std::uint64_t> length,
                                    std::size_t most) {
  if (source_waits_) {
    deferred_ = true;
    return {Next::Kind::Later, 0, false};
  }
  std::span<std::byte> room(session_->factory().pulled_);
  room = room.first(std::min(most, room.size()));
  if (length)
    room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), *length - sent_)));
  api::Pulled pulled;
  exchange.show_activity();
  try {
    pulled = source.read(room);
  } catch (...) {
    session_->factory().dispatcher_.handler_threw(exchange);
    pulled = {0, api::Pull::Failed};
  }
  due_ = pulled.bytes;
  const bool whole = length && sent_ + due_ == *length;
  const bool short_of = length && !whole;
  switch (pulled.next) {
    case api::Pull::More:
      if (due_ > 0 || whole) return {Next::Kind::Data, pulled.bytes, whole};
      log().error("response body neither gave bytes nor said Later", {{"connection", connection_id()}});
      break;
    case api::Pull::Later:
      source_waits_ = !whole;
      if (due_ > 0 || whole) return {Next::Kind::Data, pulled.bytes, whole};
      deferred_ = true;
      return {Next::Kind::Later, 0, false};
    case api::Pull::End:
      if (!short_of) return {Next::Kind::Data, pulled.bytes, true};
      log().error("response body ended before its announced length",
                  {{"connection", connection_id()}, {"missing", *length - sent_ - due_}});
      break;
    case api::Pull::Failed:
      log().info("response body could not be completed; stream reset",
                 {{"connection", connection_id()}, {"request", exchange.request().target}});
      break;
  }
  return {Next::Kind::Broken, 0, false};
}

bool Stream::write_data(std::span<std::byte> room) {
  if (room.empty()) return true;
  if (const auto* bytes = std::get_if<api::Body::Bytes>(&body_.content)) {
    std::memcpy(room.data(), bytes->bytes.data() + sent_, room.size());
  } else if (auto* file = std::get_if<api::Body::File>(&body_.content)) {
    if (!read_file(*file, room)) return false;
  } else {
    std::memcpy(room.data(), session_->factory().pulled_.data(), room.size());
  }
  sent_ += room.size();
  exchange.account.body_sent += room.size();
  moved_at_ = session_->connection().now();
  reader_.moved(room.size(), moved_at_);
  return true;
}

// What has changed since the answer began is not sent: it would be a mixture of both states.
bool Stream::read_file(api::Body::File& file, std::span<std::byte> room) {
  const TimePoint now = session_->connection().now();
  const bool intact = checked_at_ == now || !file.hold || file.hold->is_intact(file.fd);
  checked_at_ = now;
  std::size_t got = 0;
  while (intact && got < room.size()) {
    const ssize_t size =
        ::pread(file.fd, room.data() + got, room.size() - got, static_cast<off_t>(file.offset + sent_ + got));
    if (size <= 0) break;
    got += static_cast<std::size_t>(size);
  }
  if (intact && got == room.size()) return true;
  log().info("file became shorter or changed while it was sent; stream reset",
             {{"connection", connection_id()}, {"request", exchange.request().target}});
  return false;
}

}  // namespace holdfast::http2
