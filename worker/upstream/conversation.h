// One request and its response on a connection that stands: writes as the other server takes it, reads as far
// as there is credit. Owned by one call; told to stop, it tells nothing more.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "common/api/fetch.h"
#include "common/buffer.h"
#include "worker/loop/event_loop.h"
#include "worker/net/transport.h"
#include "worker/upstream/response_parser.h"

namespace holdfast::upstream {

class Conversation final : private loop::Watcher, private loop::Timer, private loop::Deferred {
 public:
  class Listener {
   public:
    virtual void on_response_head(std::uint16_t status, std::span<const api::Field> fields) = 0;
    virtual void on_response_body(std::span<const std::byte> bytes) = 0;
    /// Last words, one of both; they must not destroy the conversation. `transport`: may carry another request;
    /// null when it may not.
    virtual void on_response_end(std::unique_ptr<net::Transport> transport) = 0;
    /// `unanswered`: not a byte of an answer has come.
    virtual void on_broken(api::FetchFailure why, std::string_view text, bool unanswered) = 0;

   protected:
    ~Listener() = default;
  };
  /// What is said. The views and the room outlive the conversation.
  struct Terms {
    std::string_view head;
    std::string_view body;
    bool to_head = false;  // the method is HEAD
    std::size_t credit = 0;
    Duration idle_timeout{};
    std::span<std::byte> room;  // to read into; nothing is kept in it between calls
  };

  Conversation(loop::EventLoop& loop, Listener& listener, std::unique_ptr<net::Transport> transport,
               const Terms& terms);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// May tell at once how it goes.
  void begin();
  /// What this lets arrive comes later, not from within.
  void grant(std::size_t bytes);
  /// Closes the connection.
  void stop();

 private:
  void advance();
  void write_some();
  void read_some();
  bool take_unparsed();
  void deliver(std::span<const std::byte> input);
  std::size_t most_to_read() const;
  void on_input_end(int error);
  void finish(bool all_consumed);
  void break_off(api::FetchFailure why, std::string_view text);
  /// The other server has to send or to take something.
  bool waits() const;
  void watch_silence();
  void on_ready(std::uint32_t events) override;
  void on_timer(TimePoint now) override;
  void on_deferred() override { advance(); }

  loop::EventLoop& loop_;
  Listener& listener_;
  std::unique_ptr<net::Transport> transport_;
  loop::Watch watch_;  // of the transport, and closed before it
  Terms terms_;        // head and body: what is still to be written
  ResponseParser parser_;
  Buffer unparsed_;  // arrived with the head, beyond the credit
  bool readable_ = true;
  bool writable_ = true;
  bool moved_ = true;  // something was read or written since silence was last looked at
  bool write_failed_ = false;
  bool over_ = false;
};

}  // namespace holdfast::upstream
