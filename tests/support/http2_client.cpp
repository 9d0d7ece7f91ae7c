#include "tests/support/http2_client.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdlib>

namespace holdfast::support {
namespace {

constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kMostData = 16'384;
constexpr std::int64_t kFirstWindow = 65'535;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

// RFC 7541 section 5.1, with a prefix of seven bits.
std::string text_of(std::string_view text) {
  std::string out;
  std::size_t size = text.size();
  if (size < 127) {
    out += static_cast<char>(size);
  } else {
    out += '\x7f';
    for (size -= 127; size >= 128; size /= 128) out += static_cast<char>(size % 128 + 128);
    out += static_cast<char>(size);
  }
  return out.append(text);
}

}  // namespace

std::uint32_t Frame::number() const {
  return number_at(payload, type == FrameType::GoAway ? 4 : 0);
}

std::string big_endian(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255U);
  return out;
}

std::string field_section(const FieldList& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out += text_of(name);
    out += text_of(value);
  }
  return out;
}

FieldList request_fields(std::string_view method, std::string_view path, std::string_view authority) {
  return {{":method", std::string(method)},
          {":scheme", "http"},
          {":authority", std::string(authority)},
          {":path", std::string(path)}};
}

Http2Client::Http2Client(std::uint16_t port, const ClientOptions& options,
                         const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings)
    : client_(port, options) {
  begin();
  client_.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  send_settings(settings);
}

Http2Client::Http2Client(std::uint16_t port, Silent /*silent*/, const ClientOptions& options)
    : client_(port, options) {
  begin();
}

void Http2Client::begin() {
  if (nghttp2_hd_inflate_new(&inflater_) != 0) std::abort();
  windows_[0] = kFirstWindow;
}

Http2Client::~Http2Client() {
  nghttp2_hd_inflate_del(inflater_);
}

Outcome Http2Client::send(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out = big_endian(static_cast<std::uint32_t>(payload.size())).substr(1);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += big_endian(stream);
  out += payload;
  return client_.send(out);
}

Outcome Http2Client::send_settings(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& entries) {
  std::string payload;
  for (const auto& [id, value] : entries) {
    payload += static_cast<char>(id >> 8);
    payload += static_cast<char>(id & 255);
    payload += big_endian(value);
  }
  return send(FrameType::Settings, 0, 0, payload);
}

Outcome Http2Client::send_fields(std::uint32_t stream, const FieldList& fields, bool ends) {
  const auto flags = static_cast<std::uint8_t>(kEndHeaders | (ends ? kEndStream : 0));
  return send(FrameType::Headers, flags, stream, field_section(fields));
}

std::uint32_t Http2Client::request(const FieldList& fields, std::string_view body) {
  const std::uint32_t stream = next_stream_;
  next_stream_ += 2;
  windows_[stream] = kFirstWindow;
  streams_[stream] = {};
  send_fields(stream, fields, body.empty());
  while (!body.empty() && !streams_[stream].ended) {
    const std::int64_t window = std::min(windows_[0], windows_[stream]);
    if (window <= 0) {
      if (!next()) break;
      continue;
    }
    const std::size_t part = std::min<std::size_t>({body.size(), kMostData, static_cast<std::size_t>(window)});
    windows_[0] -= static_cast<std::int64_t>(part);
    windows_[stream] -= static_cast<std::int64_t>(part);
    const bool last = part == body.size();
    if (send(FrameType::Data, last ? kEndStream : 0, stream, body.substr(0, part)) != Outcome::Ok) break;
    body.remove_prefix(part);
  }
  return stream;
}

std::optional<Frame> Http2Client::next() {
  std::string head;
  if (client_.receive_raw(kFrameHead, head) != Outcome::Ok) return std::nullopt;
  Frame frame;
  frame.type = static_cast<FrameType>(head[3]);
  frame.flags = static_cast<std::uint8_t>(head[4]);
  frame.stream = number_at(head, 5) & 0x7fffffffU;
  const std::uint32_t size = number_at(std::string(1, '\0') + head.substr(0, 3), 0);
  if (client_.receive_raw(size, frame.payload) != Outcome::Ok) return std::nullopt;
  take(frame);
  return frame;
}

void Http2Client::take(const Frame& frame) {
  switch (frame.type) {
    case FrameType::Headers:
      take_fields(frame);
      break;
    case FrameType::Data:
      streams_[frame.stream].response.body += frame.payload;
      if (refill_ && !frame.payload.empty()) {
        const std::string more = big_endian(static_cast<std::uint32_t>(frame.payload.size()));
        send(FrameType::WindowUpdate, 0, 0, more);
        if ((frame.flags & kEndStream) == 0) send(FrameType::WindowUpdate, 0, frame.stream, more);
      }
      break;
    case FrameType::Settings:
      take_settings(frame);
      break;
    case FrameType::Ping:
      if ((frame.flags & kAck) == 0) send(FrameType::Ping, kAck, 0, frame.payload);
      break;
    case FrameType::WindowUpdate:
      windows_[frame.stream] += frame.number();
      break;
    case FrameType::Reset:
      if (streams_[frame.stream].response.status == 0)
        streams_[frame.stream].response.status = static_cast<int>(frame.number());
      return end(frame.stream, Outcome::Reset);
    case FrameType::GoAway:
      ++goaways_;
      last_stream_ = number_at(frame.payload, 0);
      if (frame.number() != 0) refusal_ = frame.number();
      break;
    case FrameType::Priority:
    case FrameType::PushPromise:
    case FrameType::Continuation:
    case FrameType::PriorityUpdate:
      break;
  }
  const bool may_end = frame.type == FrameType::Headers || frame.type == FrameType::Data;
  if (may_end && (frame.flags & kEndStream) != 0) end(frame.stream, Outcome::Ok);
}

void Http2Client::take_settings(const Frame& frame) {
  if ((frame.flags & kAck) != 0) return;
  for (std::size_t at = 0; at + 6 <= frame.payload.size(); at += 6)
    settings_[static_cast<std::uint16_t>(number_at(frame.payload, at) >> 16)] =
        number_at(frame.payload, at + 2);
  send(FrameType::Settings, kAck, 0);
}

void Http2Client::take_fields(const Frame& frame) {
  Response& response = streams_[frame.stream].response;
  if (response.status >= 100 && response.status < 200) response = {};
  response.version = "HTTP/2";
  const auto* in = reinterpret_cast<const std::uint8_t*>(frame.payload.data());
  std::size_t left = frame.payload.size();
  for (;;) {
    nghttp2_nv pair;
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &pair, &flags, in, left, 1);
    if (used < 0) return end(frame.stream, Outcome::Malformed);
    in += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      std::string name(reinterpret_cast<char*>(pair.name), pair.namelen);
      std::string value(reinterpret_cast<char*>(pair.value), pair.valuelen);
      if (name == ":status") response.status = std::atoi(value.c_str());
      response.fields.emplace_back(std::move(name), std::move(value));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
}

void Http2Client::end(std::uint32_t stream, Outcome outcome) {
  Stream& ended = streams_[stream];
  if (ended.ended) return;
  ended.ended = true;
  ended.response.outcome = outcome;
}

Response Http2Client::receive(std::uint32_t stream) {
  while (!streams_[stream].ended) {
    if (next()) continue;
    Response cut = streams_[stream].response;
    cut.outcome = cut.status == 0 ? Outcome::NoAnswer : Outcome::ShortRead;
    return cut;
  }
  return streams_[stream].response;
}

Response Http2Client::receive_head(std::uint32_t stream) {
  while (streams_[stream].response.status == 0 && !streams_[stream].ended)
    if (!next()) break;
  return streams_[stream].response;
}

std::optional<std::string> Http2Client::receive_piece(std::uint32_t stream) {
  std::string& body = streams_[stream].response.body;
  while (body.empty() && !streams_[stream].ended)
    if (!next()) break;
  if (body.empty()) return std::nullopt;
  return std::exchange(body, {});
}

std::optional<std::uint32_t> Http2Client::refused() {
  while (!refusal_)
    if (!next()) break;
  return refusal_;
}

}  // namespace holdfast::support
