// The `chat` action: rooms over WebSockets, in the form that chat_protocol.h tells; a plain GET shows a page to
// try it with.
#pragma once

#include <string>

#include "common/api/handler.h"
#include "config/config.h"
#include "worker/handlers/chat_hub.h"
#include "worker/http/request_id.h"

namespace holdfast::handlers {

class Chat final : public api::Handler {
 public:
  /// `scope` tells chats of several routes apart. `hub` and `settings` outlive the handler.
  Chat(ChatHub& hub, const config::ChatAction& settings, std::string scope);
  void handle(api::Exchange& exchange) override;

  ChatHub& hub() { return hub_; }
  const config::ChatAction& settings() const { return settings_; }
  ChatHub::Settings room_settings() const { return {scope_, settings_.history, settings_.notices}; }
  /// An identity for a new member, which nobody can guess.
  std::string new_identity();

 private:
  ChatHub& hub_;
  const config::ChatAction& settings_;
  const std::string scope_;
  http::RequestIds identities_;
};

}  // namespace holdfast::handlers
