#include "worker/handlers/websocket_echo.h"

#include <memory>

namespace holdfast::handlers {
namespace {

class Echoing final : public api::WebSocketListener {
 public:
  void on_open(api::WebSocket& socket) override { socket_ = &socket; }
  void on_message(api::MessageKind kind, std::string_view data) override { socket_->send(kind, data); }

 private:
  api::WebSocket* socket_ = nullptr;
};

}  // namespace

void WebSocketEcho::handle(api::Exchange& exchange) {
  exchange.accept_websocket(std::make_unique<Echoing>());
}

}  // namespace holdfast::handlers
