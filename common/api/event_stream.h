// Server-sent events (HTML Living Standard, section 9.2): a response that goes on for as long as both sides
// like. A coroutine writes them where it stands:
//
//   holdfast::api::Task<> serve(holdfast::api::Exchange& exchange) override {
//     holdfast::api::EventStream stream(exchange);
//     for (int i = 0;; ++i) {
//       co_await stream.send({.event = "tick", .data = std::to_string(i)});
//       co_await holdfast::api::pause(exchange, 1s);
//     }
//   }
//
// Others derive from EventClient and push from wherever the event happens. Both leave a comment when nothing
// was sent for 15 s, so that proxies keep the connection and a client that is gone is noticed. A worker that
// leaves (a reload, an end) keeps its streams until the drain deadline and cuts them then; browsers connect
// again by themselves, to a new worker, and say in Last-Event-ID what they saw last.
#pragma once

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/exchange.h"

namespace holdfast::api {

/// One event; what is empty is left out. Views need to live for the call only.
struct Event {
  std::string_view event{};                          // its type; empty: "message"
  std::string_view data{};                           // UTF-8, of as many lines as there are
  std::string_view id{};                             // comes back in Last-Event-ID
  std::optional<std::chrono::milliseconds> retry{};  // how long the client waits before it connects again
};

/// What an event looks like on the wire. An event of a type is delivered also when its data is empty; one that
/// has neither sets id and retry only. Throws std::invalid_argument when `event` or `id` hold a line end or
/// NUL, which would make another event of it.
inline std::string event_text(const Event& event) {
  constexpr std::string_view kForbidden("\r\n\0", 3);
  if (event.event.find_first_of(kForbidden) != std::string_view::npos)
    throw std::invalid_argument("the type of a server-sent event holds a line end or NUL");
  if (event.id.find_first_of(kForbidden) != std::string_view::npos)
    throw std::invalid_argument("the id of a server-sent event holds a line end or NUL");
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\n");
  };
  if (!event.event.empty()) line("event", event.event);
  if (!event.id.empty()) line("id", event.id);
  if (event.retry) line("retry", std::to_string(std::max<std::int64_t>(event.retry->count(), 0)));
  std::string_view rest = event.data;
  for (bool more = !rest.empty() || !event.event.empty(); more;) {
    const std::size_t end = rest.find_first_of("\r\n");
    line("data", rest.substr(0, end));
    more = end != std::string_view::npos;
    if (more) rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  return text += "\n";
}

/// Where the client was when it lost the stream; empty: it comes for the first time.
inline std::string_view last_event_id(const Request& request) {
  return request.field("Last-Event-ID").value_or(std::string_view());
}

struct EventStreamOptions {
  Duration heartbeat = std::chrono::seconds(15);      // of silence, before a comment is sent
  std::size_t most_waiting = std::size_t{64} * 1024;  // bytes that push() keeps for a slow client
  std::span<const Field> fields{};                    // of the response, besides its own; live for begin()
};

/// A client that events are pushed to, from the thread of the event loop. Belongs to the exchange: when the
/// client leaves it is destroyed, so whoever keeps a list of clients takes it off in the destructor of a class
/// derived from this. open_event_stream() makes it.
class EventClient : public ExchangeState, private BodySource, private TimerListener {
 public:
  explicit EventClient(Exchange& exchange, const EventStreamOptions& options = {})
      : exchange_(exchange), options_(options) {}
  EventClient(const EventClient&) = delete;
  EventClient& operator=(const EventClient&) = delete;

  /// Answers the exchange, which must own this already.
  void begin() {
    std::vector<Field> fields{
        {"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
    fields.insert(fields.end(), options_.fields.begin(), options_.fields.end());
    last_ = exchange_.now();
    arm();
    exchange_.respond({200, fields}, Body::stream(*this));
  }

  /// Sends, or keeps until the client takes it. False: so much is waiting already that the event was not taken,
  /// or the stream has ended. Throws what event_text() throws.
  [[nodiscard]] bool push(const Event& event) {
    const std::string text = event_text(event);
    if (ended_ || waiting() + text.size() > options_.most_waiting) return false;
    add(text);
    return true;
  }
  /// That was all: what is waiting is still sent. The client comes again unless it is told otherwise by a
  /// status 204 then.
  void end() { finish(Pull::End); }
  /// Bytes that the client has not taken yet.
  std::size_t waiting() const { return pending_.size() - taken_; }

 protected:
  Exchange& exchange() { return exchange_; }

 private:
  friend class EventStream;

  void add(std::string_view text) {
    pending_ += text;
    wake();
  }
  void add_then(std::string_view text, std::coroutine_handle<> caller) {
    caller_ = caller;
    add(text);
  }
  void finish(Pull how) {
    if (std::exchange(ended_, true)) return;
    how_ = how;
    timer_.reset();
    wake();
  }

  Pulled read(std::span<std::byte> room) override {
    std::size_t filled = 0;
    for (;;) {
      filled += take(room.subspan(filled));
      if (waiting() > 0) return {filled, Pull::More};
      if (caller_) {
        reading_ = true;
        std::exchange(caller_, nullptr).resume();
        reading_ = false;
        continue;
      }
      if (ended_ && how_ == Pull::End) return {filled, Pull::End};
      if (filled > 0) return {filled, Pull::More};
      if (ended_) return {0, how_};
      waits_ = true;
      return {0, Pull::Later};
    }
  }

  std::size_t take(std::span<std::byte> room) {
    const std::size_t part = std::min(room.size(), waiting());
    if (part == 0) return 0;
    std::memcpy(room.data(), pending_.data() + taken_, part);
    taken_ += part;
    last_ = exchange_.now();
    if (waiting() > 0) return part;
    // Many clients wait for long: they keep no buffers.
    constexpr std::size_t kKept = 256;
    if (pending_.capacity() > kKept) std::string().swap(pending_);  // an assignment keeps the room
    pending_.clear();
    taken_ = 0;
    return part;
  }

  void on_timer() override {
    // Without a wait the transport is full, and its own deadlines watch over the client.
    if (waits_ && exchange_.now() >= last_ + options_.heartbeat) {
      last_ = exchange_.now();
      add(":\n\n");
    }
    if (!waits_) last_ = exchange_.now();
    if (!ended_) arm();
  }
  void arm() { timer_ = exchange_.start_timer(last_ + options_.heartbeat, *this); }
  void wake() {
    if (!reading_ && std::exchange(waits_, false)) exchange_.body_ready();
  }

  Exchange& exchange_;
  const EventStreamOptions options_;
  std::string pending_;
  std::size_t taken_ = 0;  // of what is pending
  std::coroutine_handle<> caller_;
  std::unique_ptr<TimerHold> timer_;
  TimePoint last_{};  // something was sent, or could not be
  Pull how_ = Pull::End;
  bool ended_ = false;
  bool reading_ = false;
  bool waits_ = false;
};

/// Makes the client, hands it to the exchange and answers. `Client` is derived from EventClient and made of the
/// exchange and `more`.
template <class Client = EventClient, class... More>
Client& open_event_stream(Exchange& exchange, More&&... more) {
  auto owned = std::make_unique<Client>(exchange, std::forward<More>(more)...);
  Client& client = *owned;
  exchange.attach(std::move(owned));
  client.begin();
  return client;
}

/// The events of a coroutine; a local object of it, which answers the exchange. Without end() the client is
/// shown that the stream was cut; it comes again either way.
class EventStream {
 public:
  explicit EventStream(Exchange& exchange, const EventStreamOptions& options = {})
      : client_(open_event_stream(exchange, options)) {}
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;
  ~EventStream() { client_.finish(Pull::Failed); }

  /// co_await stream.send({.data = "..."}): goes on when all of it was taken, so that a slow client slows the
  /// coroutine down. Throws what event_text() throws.
  auto send(const Event& event) {
    struct Awaiter {
      EventClient& client;
      const std::string text;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> caller) const { client.add_then(text, caller); }
      void await_resume() const noexcept {}
    };
    return Awaiter{client_, event_text(event)};
  }
  /// That was all.
  void end() { client_.end(); }

 private:
  EventClient& client_;
};

}  // namespace holdfast::api
