// Requests to other servers, made within the worker's loop: a handler asks while other exchanges are served.
// Setup::http() gives the client. In a coroutine:
//
//   Response reply = co_await fetch(http, {.url = "https://example.org/list", .timeout = 10s});
//   if (reply.status() != 200) throw HttpError(502);
//   const std::string list = co_await whole_body(reply, 1024 * 1024);
//
// or piece by piece, no faster than the pieces are taken:
//
//   for (;;) {
//     const std::string_view piece = co_await reply.next();
//     if (piece.empty()) break;
//     co_await writer.write(piece);
//   }
//
// What goes wrong is thrown as FetchError. When the coroutine is destroyed where it waits (its client has
// left), the call is cancelled. Other handlers use HttpClient and CallListener, on which this stands.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/request.h"
#include "common/api/task.h"
#include "common/ascii.h"
#include "common/clock.h"

namespace holdfast::api {

enum class FetchFailure : std::uint8_t {
  Invalid,       // the URL, the method or a field cannot be sent: nothing was
  NameNotFound,  // no address is known for the host
  Refused,       // no address of the host took the connection
  TimedOut,      // one of the request's times has passed
  TlsRefused,    // the handshake failed, or the certificate is not one to believe
  Malformed,     // the answer is not HTTP/1.1 as RFC 9112 has it
  TooLarge,      // its head is, or its body is larger than whole_body() may take
  CutShort,      // the connection ended before the answer was whole
  TooMany        // this worker makes as many calls as it may
};

/// What is asked of another server. Views: all of it is copied by whoever starts the call, before that returns.
struct OutgoingRequest {
  std::string_view method = "GET";  // any token (RFC 9110 section 9.1) but CONNECT
  /// "http://host/path?query" or "https://..."; a user name in it is refused, a fragment is not sent.
  std::string_view url{};
  /// Sent as they are. Host and User-Agent are added when they are not among them. Refused: Connection,
  /// Content-Length, Transfer-Encoding and others that belong to the connection (RFC 9110 section 7.6.1).
  std::span<const Field> fields{};
  std::string_view body{};
  /// From start() to the end of the body. Duration::max(): no end.
  Duration timeout = std::chrono::seconds(30);
  /// Of it, until there is a connection: name, address, TLS.
  Duration connect_timeout = std::chrono::seconds(5);
  /// How long the other server may keep silent while it is waited for.
  Duration idle_timeout = std::chrono::seconds(30);
  /// Bytes of the body that may be on their way to the listener: nothing is read beyond.
  std::size_t credit = std::size_t{64} * 1024;
  /// PEM file of the authorities to believe in place of the system's; https only.
  std::string_view authorities{};
};

/// Views live for the call of on_failure().
struct CallError {
  FetchFailure why;
  std::string_view text;  // for a log: "https://host: the name is not known"; without path and query
};

/// Told how a call goes, from the loop, never from within start() or grant(). on_end() or on_failure() is the
/// last word. Any of these may destroy the call. Owned by who starts it; outlives the call. Nothing may be
/// thrown out of these.
class CallListener {
 public:
  /// The final head; interim ones (1xx) are left out. Views live for this call only.
  virtual void on_head(std::uint16_t status, std::span<const Field> fields) = 0;
  /// At most as much as there is credit for; the view ends with the call.
  virtual void on_body(std::span<const std::byte> bytes) = 0;
  virtual void on_end() = 0;
  virtual void on_failure(const CallError& error) = 0;

 protected:
  ~CallListener() = default;
};

/// A started call. Destroying it cancels it: the listener hears nothing more.
class OutgoingCall {
 public:
  virtual ~OutgoingCall() = default;
  /// Gives `bytes` of credit back, after they were consumed. After the end it does nothing.
  virtual void grant(std::size_t bytes) = 0;
};

class HttpClient {
 public:
  /// Never null; every failure comes by the listener, later. Certificates are verified, connections are kept
  /// for the next call to the same server. Redirects are answers like others. A request that may be repeated
  /// (RFC 9110 section 9.2.2) is, once, when a kept connection turns out to be closed. The client outlives the
  /// call: it lives as long as the handler and its exchanges. In `holdfast check` no call is ever made, and the
  /// listener hears nothing.
  [[nodiscard]] virtual std::unique_ptr<OutgoingCall> start(const OutgoingRequest& request,
                                                            CallListener& listener) = 0;

 protected:
  ~HttpClient() = default;
};

/// What fetch() and what it gives throw; what() is CallError's text.
class FetchError : public std::runtime_error {
 public:
  FetchError(FetchFailure why, const std::string& text) : std::runtime_error(text), why_(why) {}
  FetchFailure why() const { return why_; }
  /// What a gateway answers then (RFC 9110 section 15.6): 504 for lateness, 503 for too many, 500 for a request
  /// that is the handler's own mistake, 502 for everything else.
  std::uint16_t gateway_status() const {
    switch (why_) {
      case FetchFailure::TimedOut:
        return 504;
      case FetchFailure::TooMany:
        return 503;
      case FetchFailure::Invalid:
        return 500;
      case FetchFailure::NameNotFound:
      case FetchFailure::Refused:
      case FetchFailure::TlsRefused:
      case FetchFailure::Malformed:
      case FetchFailure::TooLarge:
      case FetchFailure::CutShort:
        break;
    }
    return 502;
  }

 private:
  FetchFailure why_;
};

namespace detail {

/// One call, and what has come of it that the coroutine has not taken yet.
class Fetched final : private CallListener {
 public:
  Fetched(HttpClient& http, const OutgoingRequest& request) : url_(request.url) {
    call_ = http.start(request, *this);
  }
  Fetched(const Fetched&) = delete;
  Fetched& operator=(const Fetched&) = delete;

  bool has_head() const { return status_ != 0 || error_; }
  /// Some bytes, the end or a failure can be taken.
  bool has_piece() {
    piece_.clear();
    if (taken_ > 0 && !ended_ && !error_) call_->grant(std::exchange(taken_, 0));
    return !arrived_.empty() || ended_ || error_;
  }
  void wait(std::coroutine_handle<> caller) { caller_ = caller; }
  void require_head() const {
    if (status_ == 0) rethrow();
  }
  std::string_view take_piece() {
    if (arrived_.empty() && !ended_) rethrow();
    piece_.swap(arrived_);
    taken_ = piece_.size();
    return piece_;
  }

  std::uint16_t status() const { return status_; }
  std::span<const Field> fields() const { return fields_; }
  const std::string& url() const { return url_; }

 private:
  void on_head(std::uint16_t status, std::span<const Field> fields) override {
    std::size_t size = 0;
    for (const Field& field : fields) size += field.name.size() + field.value.size();
    texts_.reserve(size);  // so that views into it stay
    for (const Field& field : fields) fields_.push_back({keep(field.name), keep(field.value)});
    status_ = status;
    wake();
  }
  void on_body(std::span<const std::byte> bytes) override {
    arrived_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    wake();
  }
  void on_end() override {
    ended_ = true;
    wake();
  }
  void on_failure(const CallError& error) override {
    error_.emplace(error.why, std::string(error.text));
    wake();
  }
  void wake() {
    if (caller_) std::exchange(caller_, nullptr).resume();
  }
  std::string_view keep(std::string_view text) {
    texts_ += text;
    return std::string_view(texts_).substr(texts_.size() - text.size());
  }
  [[noreturn]] void rethrow() const { throw FetchError(*error_); }

  const std::string url_;
  std::uint16_t status_ = 0;
  std::string texts_;
  std::vector<Field> fields_;
  std::string arrived_;
  std::string piece_;
  std::size_t taken_ = 0;  // of the credit, to be given back
  bool ended_ = false;
  std::optional<FetchError> error_;
  std::coroutine_handle<> caller_;
  std::unique_ptr<OutgoingCall> call_;
};

}  // namespace detail

/// The answer of another server: its head, and its body to be read. A local object of the coroutine; what is
/// not read when it is destroyed is given up, with the connection.
class Response {
 public:
  explicit Response(std::unique_ptr<detail::Fetched> fetched) : fetched_(std::move(fetched)) {}

  std::uint16_t status() const { return fetched_->status(); }
  /// In order of arrival. Views live as long as this.
  std::span<const Field> fields() const { return fetched_->fields(); }
  /// The first field of that name (ASCII case-insensitive), or nullopt.
  std::optional<std::string_view> field(std::string_view name) const {
    for (const Field& field : fields())
      if (ascii_iequals(field.name, name)) return field.value;
    return std::nullopt;
  }
  /// That was asked for.
  std::string_view url() const { return fetched_->url(); }

  /// co_await reply.next(): some bytes of the body, or none at its end. The view lives until the next call.
  /// FetchError when the body cannot be completed, after what has come of it was given.
  auto next() {
    struct Awaiter {
      detail::Fetched& fetched;
      bool await_ready() const { return fetched.has_piece(); }
      void await_suspend(std::coroutine_handle<> caller) const { fetched.wait(caller); }
      std::string_view await_resume() const { return fetched.take_piece(); }
    };
    return Awaiter{*fetched_};
  }

 private:
  std::unique_ptr<detail::Fetched> fetched_;
};

/// A call whose answer can be awaited, once.
class [[nodiscard]] Fetch {
 public:
  explicit Fetch(std::unique_ptr<detail::Fetched> fetched) : fetched_(std::move(fetched)) {}

  bool await_ready() const { return fetched_->has_head(); }
  void await_suspend(std::coroutine_handle<> caller) const { fetched_->wait(caller); }
  Response await_resume() {
    fetched_->require_head();
    return Response(std::move(fetched_));
  }

 private:
  std::unique_ptr<detail::Fetched> fetched_;
};

/// Starts a call: what `request` views may go when this returns. Several can be under way at once, when they
/// are started before the first is awaited:
///
///   auto prices = fetch(http, {.url = prices_url});
///   auto stock = fetch(http, {.url = stock_url});
///   Response first = co_await prices;
///   Response second = co_await stock;
inline Fetch fetch(HttpClient& http, const OutgoingRequest& request) {
  return Fetch(std::make_unique<detail::Fetched>(http, request));
}

/// const std::string text = co_await whole_body(reply, 64 * 1024). FetchError TooLarge when it is longer.
inline Task<std::string> whole_body(Response& reply, std::size_t limit) {
  std::string all;
  for (;;) {
    const std::string_view piece = co_await reply.next();
    if (piece.empty()) break;
    if (all.size() + piece.size() > limit)
      throw FetchError(FetchFailure::TooLarge, std::string(reply.url().substr(0, reply.url().find('?'))) +
                                                   ": the answer is larger than " + std::to_string(limit) +
                                                   " bytes");
    all += piece;
  }
  co_return all;
}

}  // namespace holdfast::api
