// A WebSocket client at the level of frames: sends what a test wants, right or wrong, and shows what comes
// back. Over HTTP/1.1 or over one stream of HTTP/2 (RFC 8441). Answers nothing by itself. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/client.h"
#include "tests/support/http2_client.h"

namespace holdfast::support {

enum class WsOpcode : std::uint8_t { Continuation, Text, Binary, Close = 8, Ping, Pong };

struct WsFrame {
  WsOpcode opcode = WsOpcode::Text;
  bool final = true;
  bool compressed = false;  // RSV1
  std::string payload;

  /// Of a close frame; 1005: it has none.
  int close_code() const;
  std::string close_reason() const;
};

/// A frame as clients send it, masked with a fixed key.
std::string ws_frame(WsOpcode opcode, std::string_view payload, bool final = true, bool compressed = false);
/// The payload of a close frame.
std::string ws_close(int code, std::string_view reason = {});

class WebSocketClient {
 public:
  struct Options {
    bool http2 = false;
    std::string fields = {};  // more lines of an HTTP/1.1 handshake, each with CRLF
    FieldList h2_fields = {};
    ClientOptions connection = {};
  };
  /// Connects and does the handshake; handshake() tells how it went.
  WebSocketClient(std::uint16_t port, std::string_view target, const Options& options);
  WebSocketClient(std::uint16_t port, std::string_view target) : WebSocketClient(port, target, Options{}) {}

  const Response& handshake() const { return handshake_; }
  bool open() const { return handshake_.status == (h2_ ? 200 : 101); }

  Outcome send(std::string_view bytes);
  Outcome send_text(std::string_view text) { return send(ws_frame(WsOpcode::Text, text)); }
  Outcome send_close(int code) { return send(ws_frame(WsOpcode::Close, ws_close(code))); }
  /// The next frame; none when the connection ended, or nothing came in time.
  std::optional<WsFrame> next();
  /// The next data frame's payload; pings are skipped. Empty when none came.
  std::string next_text();
  /// Reads on until a close frame; its code. 1006: the connection ended without one.
  int next_close();
  /// After a close: the server ends the connection, or the stream.
  bool ends();
  /// The HTTP/1.1 connection.
  Client& client() { return *h1_; }
  Http2Client& http2() { return *h2_; }

 private:
  bool take(std::size_t size, std::string& bytes);

  std::unique_ptr<Client> h1_;
  std::unique_ptr<Http2Client> h2_;
  std::uint32_t stream_ = 1;
  std::string arrived_;  // over HTTP/2
  bool ended_ = false;
  Response handshake_;
};

}  // namespace holdfast::support
