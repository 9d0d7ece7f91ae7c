#include "worker/handlers/chat.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "common/api/query.h"
#include "worker/handlers/chat_page.h"

namespace holdfast::handlers {
namespace {

constexpr std::size_t kMostName = 32;  // bytes, some languages need three for a letter
constexpr std::size_t kMostRoom = 64;
constexpr std::size_t kMostRef = 64;
constexpr std::string_view kDefaultRoom = "lobby";
// A client that is told so often in a row that it is too fast does not listen.
constexpr int kMostWarnings = 50;

/// So many messages at once, then at the rate (a token bucket).
class Allowance {
 public:
  Allowance(std::uint32_t rate, std::uint32_t burst, TimePoint now)
      : rate_(rate), burst_(burst), left_(burst), seen_(now) {}
  bool take(TimePoint now) {
    if (rate_ == 0) return true;
    const double seconds = std::chrono::duration<double>(now - seen_).count();
    left_ = std::min<double>(burst_, left_ + seconds * rate_);
    seen_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  std::uint32_t rate_;
  std::uint32_t burst_;
  double left_;
  TimePoint seen_;
};

class Member final : public api::WebSocketListener, private ChatClient {
 public:
  Member(Chat& chat, api::Exchange& exchange, std::string room, std::string nickname)
      : chat_(chat),
        exchange_(exchange),
        wanted_(std::move(room)),
        allowance_(chat.settings().rate, chat.settings().burst, exchange.now()) {
    id = chat.new_identity();
    name = nickname.empty() ? "guest-" + id.substr(0, 4) : std::move(nickname);
  }
  ~Member() override { leave(); }

  void on_open(api::WebSocket& socket) override {
    socket_ = &socket;
    room_ = chat_.hub().join(*this, wanted_, chat_.room_settings(), chat_time());
    if (room_ == nullptr) socket.close(api::kCloseTryLater, "too many rooms");
  }
  void on_message(api::MessageKind kind, std::string_view data) override {
    if (room_ == nullptr) return;
    if (kind != api::MessageKind::Text) return end(api::kCloseUnsupported, "messages are JSON texts");
    if (data.size() > chat_.settings().max_text * kEscaped + kFrame)
      return complain("too_long", "the message is too long", {});
    std::visit([this](auto& request) { take(request); }, request_ = parse_chat_request(data));
  }
  void on_close(std::uint16_t /*code*/, std::string_view /*reason*/) override { leave(); }

 private:
  // JSON may write a byte as \u0000.
  static constexpr std::uint64_t kEscaped = 6;
  static constexpr std::uint64_t kFrame = 1024;

  // ChatClient
  bool tell(std::string_view json) override { return socket_->send(api::MessageKind::Text, json); }
  void drop() override { end(api::kClosePolicy, "reads too slowly"); }

  void take(ChatSay& say) {
    const std::string_view ref = std::string_view(say.ref).substr(0, kMostRef);
    if (!is_in_time(ref)) return;
    if (say.text.empty()) return complain("empty", "the text is empty", ref);
    if (say.text.size() > chat_.settings().max_text) return complain("too_long", "the text is too long", ref);
    chat_.hub().say(*room_, *this, say.text, ref, chat_time());
  }
  void take(ChatRename& rename) {
    if (!is_in_time({})) return;
    const std::string tidy = tidy_chat_name(rename.name, kMostName);
    if (tidy.empty()) return complain("bad_name", "a name has 1 to 32 bytes and no control characters", {});
    chat_.hub().rename(*room_, *this, tidy, chat_time());
  }
  void take(ChatMalformed& malformed) {
    if (is_in_time({})) complain("malformed", malformed.problem, {});
  }

  bool is_in_time(std::string_view ref) {
    if (allowance_.take(exchange_.now())) return warnings_ = 0, true;
    if (++warnings_ > kMostWarnings) return end(api::kClosePolicy, "sends too fast"), false;
    return complain("too_fast", "too many messages; wait a moment", ref), false;
  }
  void complain(std::string_view code, std::string_view text, std::string_view ref) {
    if (!tell(chat_error(code, text, ref))) drop();
  }
  void end(std::uint16_t code, std::string_view reason) {
    socket_->close(code, reason);
    leave();
  }
  void leave() {
    if (ChatRoom* const room = std::exchange(room_, nullptr)) chat_.hub().leave(*room, *this, chat_time());
  }

  Chat& chat_;
  api::Exchange& exchange_;
  const std::string wanted_;
  Allowance allowance_;
  ChatRequest request_;
  api::WebSocket* socket_ = nullptr;
  ChatRoom* room_ = nullptr;
  int warnings_ = 0;
};

/// The room or the name that the query asks for; nothing when it cannot be.
std::optional<std::string> asked(const api::Request& request, std::string_view parameter, std::size_t most) {
  const std::optional<std::string> value = api::query_value(request.query, parameter);
  if (!value || value->empty()) return std::string();
  std::string tidy = tidy_chat_name(*value, most);
  if (tidy.empty()) return std::nullopt;
  return tidy;
}

}  // namespace

Chat::Chat(ChatHub& hub, const config::ChatAction& settings, std::string scope)
    : hub_(hub), settings_(settings), scope_(std::move(scope)) {}

std::string Chat::new_identity() {
  const auto made = identities_.next();
  return {made.data(), std::min<std::size_t>(made.size(), 20)};
}

void Chat::handle(api::Exchange& exchange) {
  const api::Request& request = exchange.request();
  const bool plain = request.protocol.empty() && !request.field("Upgrade");
  if (plain && settings_.page) return show_chat_page(exchange);
  const std::optional<std::string> room = asked(request, "room", kMostRoom);
  const std::optional<std::string> name = asked(request, "name", kMostName);
  if (!room || !name) return exchange.fail(400);
  exchange.accept_websocket(
      std::make_unique<Member>(*this, exchange, room->empty() ? std::string(kDefaultRoom) : *room, *name));
}

}  // namespace holdfast::handlers
