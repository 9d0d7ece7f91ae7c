#include "tests/support/websocket_client.h"

#include <algorithm>

namespace holdfast::support {
namespace {

constexpr std::string_view kMask("\x11\x22\x33\x44", 4);

std::string length_bytes(std::uint64_t length, int count) {
  std::string bytes;
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes;
}

std::uint64_t number_of(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<std::uint8_t>(c);
  return number;
}

}  // namespace

int WsFrame::close_code() const {
  return payload.size() < 2 ? 1005 : static_cast<int>(number_of(payload.substr(0, 2)));
}

std::string WsFrame::close_reason() const {
  return payload.size() < 2 ? std::string() : payload.substr(2);
}

std::string ws_frame(WsOpcode opcode, std::string_view payload, bool final, bool compressed) {
  std::string frame;
  frame += static_cast<char>((final ? 0x80 : 0) | (compressed ? 0x40 : 0) | static_cast<int>(opcode));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    frame += static_cast<char>(0x80 | 126);
    frame += length_bytes(payload.size(), 2);
  } else {
    frame += static_cast<char>(0x80 | 127);
    frame += length_bytes(payload.size(), 8);
  }
  frame += kMask;
  const std::size_t begin = frame.size();
  frame += payload;
  for (std::size_t i = begin; i < frame.size(); ++i)
    frame[i] = static_cast<char>(frame[i] ^ kMask[(i - begin) % kMask.size()]);
  return frame;
}

std::string ws_close(int code, std::string_view reason) {
  return length_bytes(static_cast<std::uint64_t>(code), 2) + std::string(reason);
}

WebSocketClient::WebSocketClient(std::uint16_t port, std::string_view target, const Options& options) {
  if (!options.http2) {
    h1_ = std::make_unique<Client>(port, options.connection);
    h1_->send("GET " + std::string(target) +
              " HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
              options.fields + "\r\n");
    handshake_ = h1_->receive_head();
    return;
  }
  h2_ = std::make_unique<Http2Client>(port, options.connection);
  FieldList fields{{":method", "CONNECT"},         {":protocol", "websocket"}, {":scheme", "http"},
                   {":path", std::string(target)}, {":authority", "a.test"},   {"sec-websocket-version", "13"}};
  fields.insert(fields.end(), options.h2_fields.begin(), options.h2_fields.end());
  h2_->send_fields(stream_, fields, false);
  handshake_ = h2_->receive_head(stream_);
}

Outcome WebSocketClient::send(std::string_view bytes) {
  if (h1_) return h1_->send(bytes);
  constexpr std::size_t kMost = 16000;
  for (std::size_t at = 0; at < bytes.size(); at += kMost)
    if (const Outcome sent = h2_->send(FrameType::Data, 0, stream_, bytes.substr(at, kMost));
        sent != Outcome::Ok)
      return sent;
  return Outcome::Ok;
}

bool WebSocketClient::take(std::size_t size, std::string& bytes) {
  if (h1_) return h1_->receive_raw(size, bytes) == Outcome::Ok;
  while (arrived_.size() < size) {
    if (ended_) return false;
    std::optional<std::string> piece = h2_->receive_piece(stream_);
    if (!piece) return ended_ = true, false;
    arrived_ += *piece;
  }
  bytes += arrived_.substr(0, size);
  arrived_.erase(0, size);
  return true;
}

std::optional<WsFrame> WebSocketClient::next() {
  std::string head;
  if (!take(2, head)) return std::nullopt;
  WsFrame frame;
  const auto first = static_cast<std::uint8_t>(head[0]);
  frame.final = (first & 0x80) != 0;
  frame.compressed = (first & 0x40) != 0;
  frame.opcode = static_cast<WsOpcode>(first & 0x0f);
  std::uint64_t length = static_cast<std::uint8_t>(head[1]);
  std::string longer;
  if (length >= 126) {
    if (!take(length == 126 ? 2 : 8, longer)) return std::nullopt;
    length = number_of(longer);
  }
  if (length > 0 && !take(length, frame.payload)) return std::nullopt;
  return frame;
}

std::string WebSocketClient::next_text() {
  while (const std::optional<WsFrame> frame = next()) {
    if (frame->opcode == WsOpcode::Close) return {};
    if (frame->opcode == WsOpcode::Text || frame->opcode == WsOpcode::Binary) return frame->payload;
  }
  return {};
}

int WebSocketClient::next_close() {
  while (const std::optional<WsFrame> frame = next())
    if (frame->opcode == WsOpcode::Close) return frame->close_code();
  return 1006;
}

bool WebSocketClient::ends() {
  if (h1_) return h1_->closes_within(std::chrono::seconds(5)) == Outcome::Ok;
  std::string none;
  return !take(1, none) && ended_;
}

}  // namespace holdfast::support
