// A WebSocket in a coroutine:
//
//   holdfast::api::Task<> serve(holdfast::api::Exchange& exchange) override {
//     holdfast::api::Conversation talk(exchange);
//     while (const auto message = co_await talk.receive())
//       co_await talk.send(message->kind, message->data);
//   }
//
// When the client vanishes the coroutine is destroyed where it waits, as in every handler.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/api/exchange.h"
#include "common/api/websocket.h"

namespace holdfast::api {

struct Message {
  MessageKind kind;
  std::string_view data;  // until the next receive()
};

/// A local object of the coroutine, one an exchange. Its end closes the conversation, if nobody has: with 1000,
/// or with 1011 when it is an exception that ends it.
class Conversation {
 public:
  /// Does the handshake. When the request asks for no WebSocket, or for one that the route does not allow, it
  /// is answered by that, and receive() gives nothing.
  explicit Conversation(Exchange& exchange) {
    auto owned = std::make_unique<Ears>(*this);
    Ears* const ears = owned.get();
    if (exchange.accept_websocket(std::move(owned))) ears_ = ears;
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (ears_ == nullptr) return;
    ears_->owner = nullptr;
    ears_->socket->close(std::uncaught_exceptions() > 0 ? kCloseInternal : kCloseNormal, {});
  }

  /// co_await talk.receive(): the next message; nothing once the conversation has ended.
  auto receive() {
    struct Awaiter {
      Conversation& talk;
      bool await_ready() const { return talk.prepare(); }
      void await_suspend(std::coroutine_handle<> caller) const { talk.receiver_ = caller; }
      std::optional<Message> await_resume() const { return talk.take(); }
    };
    return Awaiter{*this};
  }
  /// co_await talk.send(kind, data): goes on when there is room for more; false when the conversation has
  /// ended.
  auto send(MessageKind kind, std::string_view data) {
    struct Awaiter {
      Conversation& talk;
      bool sent;
      bool await_ready() const { return !sent || talk.ears_->socket->queued() == 0; }
      void await_suspend(std::coroutine_handle<> caller) const { talk.sender_ = caller; }
      bool await_resume() const { return sent && talk.is_open(); }
    };
    return Awaiter{*this, ears_ != nullptr && ears_->socket->send(kind, data)};
  }
  bool is_open() const { return ears_ != nullptr && ears_->socket->is_open(); }
  void close(std::uint16_t code, std::string_view reason) {
    if (ears_ != nullptr) ears_->socket->close(code, reason);
  }
  std::string_view subprotocol() const {
    return ears_ != nullptr ? ears_->socket->subprotocol() : std::string_view();
  }
  /// What the client has closed with; 0: it has not.
  std::uint16_t close_code() const { return code_; }

 private:
  /// Belongs to the server, and may outlive the conversation.
  struct Ears final : WebSocketListener {
    explicit Ears(Conversation& talk) : owner(&talk) {}
    void on_open(WebSocket& opened) override { socket = &opened; }
    void on_message(MessageKind kind, std::string_view data) override {
      if (owner != nullptr) owner->arrived(kind, data);
    }
    void on_room() override {
      if (owner != nullptr) wake(owner->sender_);
    }
    void on_close(std::uint16_t code, std::string_view /*reason*/) override {
      if (owner != nullptr) owner->closed(code);
    }

    Conversation* owner;
    WebSocket* socket = nullptr;
  };

  static void wake(std::coroutine_handle<>& waiter) {
    if (waiter) std::exchange(waiter, nullptr).resume();
  }
  // One message waits at most: the client is not read from meanwhile.
  void arrived(MessageKind kind, std::string_view data) {
    ears_->socket->pause();
    waiting_ = true;
    kind_ = kind;
    data_.assign(data);
    wake(receiver_);
  }
  void closed(std::uint16_t code) {
    code_ = code;
    // Whichever goes on may end the coroutine, and this with it.
    wake(sender_ ? sender_ : receiver_);
  }
  bool prepare() {
    if (ears_ == nullptr || waiting_) return true;
    ears_->socket->resume();
    return waiting_ || !ears_->socket->is_open();
  }
  std::optional<Message> take() {
    if (!std::exchange(waiting_, false)) return std::nullopt;
    return Message{kind_, data_};
  }

  Ears* ears_ = nullptr;
  std::coroutine_handle<> receiver_;
  std::coroutine_handle<> sender_;
  std::string data_;
  MessageKind kind_ = MessageKind::Text;
  std::uint16_t code_ = 0;
  bool waiting_ = false;
};

}  // namespace holdfast::api
