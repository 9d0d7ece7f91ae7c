#include "worker/handlers/registry.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/ascii.h"
#include "worker/handlers/chat.h"
#include "worker/handlers/chat_hub.h"
#include "worker/handlers/echo.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/fixed_response.h"
#include "worker/handlers/hello.h"
#include "worker/handlers/redirect.h"
#include "worker/handlers/static_file.h"
#include "worker/handlers/websocket_echo.h"
#include "worker/http/field_rules.h"

namespace holdfast::handlers {
namespace {

using Made = Result<std::unique_ptr<api::Handler>>;

template <class H, class... Arguments>
Made made(Arguments&&... arguments) {
  return std::unique_ptr<api::Handler>(std::make_unique<H>(std::forward<Arguments>(arguments)...));
}

/// Descriptors are for connections first: the cache keeps at most an eighth of them.
FileCacheLimits limits_here() {
  FileCacheLimits limits;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0)
    limits.descriptors = std::min<std::size_t>(limits.descriptors, descriptors.rlim_cur / 8);
  return limits;
}

Error wrong(std::string message) {
  return {ErrorKind::Configuration, 0, std::move(message)};
}

/// One row an action; those of other folders make a null pointer.
struct Maker {
  Shared& shared;
  const config::Route& route;
  const std::string& site;

  Made operator()(const config::FilesAction& action) const {
    const Result<std::uint32_t> tree = shared.files().add_tree(action);
    if (!tree) return tree.error();
    return made<StaticFile>(shared.files(), *tree, action, route.compression, shared.packer());
  }
  Made operator()(const config::RedirectAction& action) const {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(action.to.begin(), action.to.end(), control))
      return wrong("redirect: control byte in `to`");
    return made<Redirect>(action);
  }
  Made operator()(const config::RespondAction& action) const {
    for (const auto& [name, value] : action.headers) {
      if (!is_token(name) || !http::is_safe_value(value)) return wrong("respond: not a header field: " + name);
      if (http::is_core_field(name)) return wrong("respond: the server itself sets the header field " + name);
    }
    return made<FixedResponse>(action);
  }
  Made operator()(const config::EchoAction&) const { return made<Echo>(); }
  Made operator()(const config::HelloAction&) const { return made<Hello>(); }
  Made operator()(const config::WebSocketEchoAction&) const { return made<WebSocketEcho>(); }
  Made operator()(const config::ChatAction& action) const {
    return made<Chat>(shared.chats(action), action, site + ":" + route.path);
  }
  Made operator()(const config::StatusAction&) const { return nothing(); }
  Made operator()(const config::MetricsAction&) const { return nothing(); }
  Made operator()(const config::HealthAction&) const { return nothing(); }
  Made operator()(const config::ReadyAction&) const { return nothing(); }
  Made operator()(const config::EventsAction&) const { return nothing(); }
  Made operator()(const config::ModuleAction&) const { return nothing(); }

  static Made nothing() { return std::unique_ptr<api::Handler>(); }
};

}  // namespace

struct Shared::Chats {
  config::ChatBroker broker;
  std::unique_ptr<ChatHub> hub;
};

Shared::Shared(const Means& means)
    : files_(std::make_unique<FileCache>(limits_here())),
      stats_(means.stats),
      brokers_(means.brokers),
      packer_(means.packer) {
  if (means.pool) files_->work_in(*means.pool);
  if (means.stats) files_->count_in(*means.stats);
}
Shared::~Shared() = default;

ChatHub& Shared::chats(const config::ChatAction& action) {
  for (const Chats& chats : chats_)
    if (chats.broker == action.broker) return *chats.hub;
  std::unique_ptr<broker::Broker> broker;
  if (brokers_ != nullptr) broker = brokers_->open(action.broker, action.broker_password.text);
  chats_.push_back({action.broker, std::make_unique<ChatHub>(std::move(broker), stats_)});
  return *chats_.back().hub;
}

Result<std::unique_ptr<api::Handler>> make_handler(const config::Route& route, const std::string& site,
                                                   Shared& shared) {
  return std::visit(Maker{shared, route, site}, route.action);
}

}  // namespace holdfast::handlers
