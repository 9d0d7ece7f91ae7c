// A WebSocket (RFC 6455) as handlers hold it, over HTTP/1.1 and HTTP/2 alike. The server does the handshake,
// the frames, the compression, the pings and the end of the conversation by the settings of the route; a
// handler gets whole messages and sends whole ones.
//
//   class Shout final : public holdfast::api::WebSocketListener {
//    public:
//     void on_open(holdfast::api::WebSocket& socket) override { socket_ = &socket; }
//     void on_message(holdfast::api::MessageKind kind, std::string_view data) override {
//       socket_->send(kind, in_capitals(data));
//     }
//    private:
//     holdfast::api::WebSocket* socket_ = nullptr;
//   };
//   void handle(holdfast::api::Exchange& exchange) override {
//     exchange.accept_websocket(std::make_unique<Shout>());
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::api {

enum class MessageKind : std::uint8_t { Text, Binary };

// Codes for WebSocket::close() that are used most (RFC 6455 section 7.4.1); 4000 to 4999 are the handler's own.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseUnsupported = 1003;
inline constexpr std::uint16_t kCloseNoStatus = 1005;  // only told: the client gave no code
inline constexpr std::uint16_t kCloseAbnormal = 1006;  // only told: the client left without a word
inline constexpr std::uint16_t kClosePolicy = 1008;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseInternal = 1011;
inline constexpr std::uint16_t kCloseTryLater = 1013;

/// The server's end of one conversation. Lives as long as its listener.
class WebSocket {
 public:
  /// Sends a message, which is copied. Text is UTF-8. False, and nothing is sent, when the conversation has
  /// ended, or when so much waits for a slow client that this would exceed `websocket.max_queue`: leave it out,
  /// or let the client go.
  virtual bool send(MessageKind kind, std::string_view data) = 0;
  /// Bytes that wait here because the client reads slowly. Meanwhile nothing is read from it either.
  virtual std::size_t queued() const = 0;
  /// Ends the conversation: what was sent before still arrives, messages of the client are no longer told.
  /// `code`: 1000 to 1014 but for 1004 to 1006, or 3000 to 4999, else it is taken for 1011; `reason`: UTF-8,
  /// cut to 123 bytes.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Nothing was closed yet, by neither side.
  virtual bool is_open() const = 0;
  /// No message is told until resume(), though one that has begun to arrive is taken in; the client is not read
  /// from beyond that.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// That was agreed in the handshake; empty: none.
  virtual std::string_view subprotocol() const = 0;

 protected:
  ~WebSocket() = default;
};

/// Told what comes from the client. Owned by the server, and destroyed when the connection is gone, in
/// whichever way: that is the one sure end, and the only one that is told when a client vanishes. An exception
/// from any of these is logged, and closes with 1011.
class WebSocketListener {
 public:
  virtual ~WebSocketListener() = default;
  /// Before anything else; the client will hear of the handshake's success in any case.
  virtual void on_open(WebSocket& socket) = 0;
  /// A whole message; text is valid UTF-8. The view ends with the call.
  virtual void on_message(MessageKind kind, std::string_view data) = 0;
  /// Nothing waits for the client any more, after something did.
  virtual void on_room() {}
  /// The client has ended the conversation, or broke its rules, or a ping was not answered. Called at most
  /// once; not for what the handler closed itself. Nothing can be sent any more.
  virtual void on_close(std::uint16_t /*code*/, std::string_view /*reason*/) {}
};

}  // namespace holdfast::api
