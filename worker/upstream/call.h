// One outgoing call from its start to its last word: finds a connection (kept or new), has the conversation,
// repeats it once when a kept connection turns out to be closed, keeps the deadlines. Belongs to the handle
// that the handler has; when that goes, the call goes at the end of the turn, because the handle may go while
// the call is telling something.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/api/fetch.h"
#include "worker/loop/event_loop.h"
#include "worker/upstream/connector.h"
#include "worker/upstream/conversation.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/url.h"

namespace holdfast::upstream {

class Client;

class Call final : private loop::Timer,
                   private loop::Deferred,
                   private Question,
                   private Connector::Listener,
                   private Conversation::Listener {
 public:
  /// Copies what the request views. Both outlive the call.
  Call(Client& client, const api::OutgoingRequest& request, api::CallListener& listener);
  ~Call() { cancel(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void grant(std::size_t bytes);
  /// Nothing is told any more, and what was opened is closed.
  void cancel();

 private:
  enum class State : std::uint8_t { Queued, Connecting, Talking, Over };

  void prepare(const api::OutgoingRequest& request);
  void connect();
  void connect_to(std::vector<Endpoint> addresses);
  void talk(std::unique_ptr<net::Transport> transport, bool kept);
  void end();
  void fail(api::FetchFailure why, std::string_view text);
  void on_timer(TimePoint now) override;
  void on_deferred() override;
  // Question
  void on_addresses(const std::vector<Endpoint>& addresses) override;
  void on_no_address(std::string_view why) override;
  // Connector::Listener
  void on_connected(std::unique_ptr<net::Transport> transport) override;
  void on_not_connected(api::FetchFailure why, std::string_view text) override;
  // Conversation::Listener
  void on_response_head(std::uint16_t status, std::span<const api::Field> fields) override;
  void on_response_body(std::span<const std::byte> bytes) override;
  void on_response_end(std::unique_ptr<net::Transport> transport) override;
  void on_broken(api::FetchFailure why, std::string_view text, bool unanswered) override;

  Client& client_;
  api::CallListener& listener_;
  State state_ = State::Queued;
  bool counted_ = false;  // among the client's calls
  bool kept_ = false;     // the connection had carried another call
  bool idempotent_ = false;
  std::optional<api::FetchFailure> refused_;  // why it is not even begun
  std::string problem_;                       // likewise
  Url url_;
  std::string authorities_;
  std::string server_;  // as IdlePool has it
  std::string head_;
  std::string body_;
  bool to_head_ = false;
  std::size_t credit_;
  const Duration idle_timeout_;
  const Duration timeout_;
  const Duration connect_timeout_;
  TimePoint deadline_ = kNever;          // of the whole
  TimePoint connect_deadline_ = kNever;  // of what comes before the conversation
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Conversation> conversation_;
  std::unique_ptr<Conversation> broken_;  // that is repeated; it is what tells so
};

}  // namespace holdfast::upstream
