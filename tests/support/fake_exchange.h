// FakeExchange: an exchange without a connection, for tests of handlers. The test makes it from a request,
// hands it to a handler, and reads what was answered; streamed bodies are pulled when the test asks for them,
// request bodies reach the handler's sink by feed(), never beyond its credit.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/exchange.h"
#include "common/ascii.h"

namespace holdfast::support {

class FakeExchange final : public api::Exchange {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// `target` is split at '?'; the path is taken as it is, already decoded.
  explicit FakeExchange(std::string_view method, std::string_view target, Fields fields = {}) {
    request_.method_name = keep(method);
    request_.method = api::method_from(request_.method_name);
    request_.target = keep(target);
    request_.path = request_.target.substr(0, request_.target.find('?'));
    if (request_.path.size() < request_.target.size())
      request_.query = request_.target.substr(request_.path.size() + 1);
    for (const auto& [name, value] : fields) add_field(name, value);
  }
  /// States go first: they may refer to memory of the exchange.
  ~FakeExchange() { leave(); }
  FakeExchange(const FakeExchange&) = delete;
  FakeExchange& operator=(const FakeExchange&) = delete;

  // -- what the test may set before handing the exchange over
  api::Request& mutable_request() { return request_; }
  void add_field(std::string_view name, std::string_view value) {
    fields_.push_back({keep(name), keep(value)});
    request_.fields = fields_;
    if (ascii_iequals(name, "Host")) request_.host = fields_.back().value;
    if (ascii_iequals(name, "Content-Length")) {
      request_.content_length = parse_decimal(value);
      request_.has_body = true;
    }
  }
  void set_parameters(const Fields& parameters) {
    for (const auto& [name, value] : parameters) parameters_.push_back({keep(name), keep(value)});
    request_.parameters = parameters_;
  }
  void set_peer(std::string_view peer) { peer_ = peer; }
  void set_now(TimePoint now, std::time_t wall_seconds) {
    now_ = now;
    wall_seconds_ = wall_seconds;
  }
  /// How much a body source is offered at a time.
  void set_room(std::size_t bytes) { room_ = bytes; }

  // -- time
  /// Calls the listeners of all timers that are due at `now`, in the order in which they were started.
  void advance(TimePoint now) {
    now_ = now;
    for (std::size_t i = 0; i < timers_.size(); ++i)
      if (timers_[i].first <= now && timers_[i].second != nullptr)
        std::exchange(timers_[i].second, nullptr)->on_timer();
  }
  bool has_timers() const {
    return std::any_of(timers_.begin(), timers_.end(),
                       [](const auto& timer) { return timer.second != nullptr; });
  }
  /// The message of what was given to handler_threw(); empty: nothing was.
  const std::string& thrown() const { return thrown_; }

  // -- what was answered
  /// No WebSockets here: those of handlers are tested over a connection.
  bool accept_websocket(std::unique_ptr<api::WebSocketListener> /*listener*/) override {
    return fail(426), false;
  }
  bool answered() const override { return status_ != 0; }
  std::uint16_t status() const { return status_; }
  /// The answer is the standard page of its status.
  bool failed() const { return failed_; }
  std::optional<std::string> field(std::string_view name) const {
    for (const auto& [key, value] : answer_)
      if (ascii_iequals(key, name)) return value;
    return std::nullopt;
  }
  const Fields& fields() const { return answer_; }
  std::optional<std::uint64_t> announced_length() const { return announced_; }
  /// The whole body as far as its source goes; stops where it says Later.
  const std::string& body() {
    pull();
    return body_;
  }
  bool body_complete() const { return complete_; }
  bool body_failed() const { return broken_; }
  int times_resumed() const { return resumed_; }

  /// What follows the body of the answer.
  const Fields& trailers() const { return trailers_; }

  // -- the request body
  void add_request_trailer(std::string_view name, std::string_view value) {
    request_trailers_.push_back({keep(name), keep(value)});
  }
  bool wants_body() const { return sink_ != nullptr; }
  std::size_t credit() const { return credit_; }
  /// Gives the sink as much of `bytes` as it has credit for; returns what is left.
  std::string_view feed(std::string_view bytes) {
    while (sink_ != nullptr && credit_ > 0 && !bytes.empty()) {
      const std::string_view part = bytes.substr(0, credit_);
      credit_ -= part.size();
      bytes.remove_prefix(part.size());
      // A block of its own size, so that a read beyond it is found by the sanitizer.
      const std::vector<std::byte> block(reinterpret_cast<const std::byte*>(part.data()),
                                         reinterpret_cast<const std::byte*>(part.data() + part.size()));
      sink_->on_body(block);
    }
    return bytes;
  }
  void end_body() {
    if (auto* sink = std::exchange(sink_, nullptr)) sink->on_body_end();
  }
  /// The client has left, or the answer is sent: all that is attached is destroyed.
  void leave() {
    sink_ = nullptr;
    source_ = nullptr;
    hold_.reset();
    for (auto& state : states_) state.reset();
    states_.clear();
  }

  // -- api::Exchange
  const api::Request& request() const override { return request_; }
  void respond(const api::ResponseHead& head, api::Body body) override {
    take_head(head.status, head.fields);
    announced_ = body.length();
    complete_ = true;
    if (auto* bytes = std::get_if<api::Body::Bytes>(&body.content)) {
      body_ = bytes->bytes;
      hold_ = std::move(bytes->hold);
    } else if (auto* file = std::get_if<api::Body::File>(&body.content)) {
      read_file(*file);
    } else if (auto* stream = std::get_if<api::Body::Stream>(&body.content)) {
      source_ = stream->source;
      complete_ = false;
    }
  }
  void fail(std::uint16_t status, std::span<const api::Field> fields = {}) override {
    take_head(status, fields);
    failed_ = true;
    complete_ = true;
  }
  void receive_body(api::BodySink& sink, std::size_t credit) override {
    EXPECT_EQ(sink_, nullptr) << "the body was asked for twice";
    sink_ = &sink;
    credit_ = credit;
  }
  void grant(std::size_t bytes) override { credit_ += bytes; }
  void drop_body() override { sink_ = nullptr; }
  void body_ready() override { ++resumed_; }
  void attach(std::unique_ptr<api::ExchangeState> state) override { states_.push_back(std::move(state)); }
  std::unique_ptr<api::TimerHold> start_timer(TimePoint when, api::TimerListener& listener) override {
    timers_.emplace_back(when, &listener);
    return std::make_unique<FakeHold>(*this, timers_.size() - 1);
  }
  void handler_threw() noexcept override {
    try {
      throw;
    } catch (const std::exception& thrown) {
      thrown_ = thrown.what();
    } catch (...) {
      thrown_ = "unknown exception";
    }
  }
  std::span<std::byte> allocate(std::size_t bytes) override {
    blocks_.push_back(std::make_unique<std::byte[]>(bytes));
    return {blocks_.back().get(), bytes};
  }
  std::string_view request_id() const override { return {}; }
  std::string_view peer_address() override { return peer_; }
  TimePoint now() const override { return now_; }
  std::time_t wall_seconds() const override { return wall_seconds_; }
  void add_trailer(std::string_view name, std::string_view value) override {
    trailers_.emplace_back(name, value);
  }
  std::span<const api::Field> request_trailers() const override { return request_trailers_; }

 private:
  struct FakeHold final : api::TimerHold {
    FakeHold(FakeExchange& of, std::size_t at) : exchange(of), index(at) {}
    ~FakeHold() override { exchange.timers_[index].second = nullptr; }
    FakeExchange& exchange;
    const std::size_t index;
  };

  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

  void take_head(std::uint16_t status, std::span<const api::Field> fields) {
    EXPECT_EQ(status_, 0) << "answered twice";
    status_ = status;
    for (const api::Field& field : fields) answer_.emplace_back(field.name, field.value);
  }
  void read_file(api::Body::File& file) {
    body_.resize(file.length);
    const ssize_t got = ::pread(file.fd, body_.data(), body_.size(), static_cast<off_t>(file.offset));
    EXPECT_EQ(got, static_cast<ssize_t>(file.length)) << "the file is shorter than announced";
    hold_ = std::move(file.hold);
  }
  void pull() {
    while (source_ != nullptr) {
      std::vector<std::byte> room(room_);
      const api::Pulled pulled = source_->read(room);
      ASSERT_LE(pulled.bytes, room.size());
      body_.append(reinterpret_cast<const char*>(room.data()), pulled.bytes);
      switch (pulled.next) {
        case api::Pull::More:
          ASSERT_GT(pulled.bytes, 0u) << "More means that there was something";
          break;
        case api::Pull::Later:
          return;
        case api::Pull::End:
          source_ = nullptr;
          complete_ = true;
          break;
        case api::Pull::Failed:
          source_ = nullptr;
          broken_ = true;
          break;
      }
    }
  }

  api::Request request_;
  std::deque<std::string> texts_;
  std::vector<api::Field> fields_;
  std::vector<api::Field> request_trailers_;
  std::vector<api::Parameter> parameters_;
  std::string peer_ = "192.0.2.1";
  TimePoint now_{std::chrono::hours(1)};
  std::time_t wall_seconds_ = 1'800'000'000;
  std::size_t room_ = 4096;

  std::uint16_t status_ = 0;
  bool failed_ = false;
  Fields answer_;
  Fields trailers_;
  std::optional<std::uint64_t> announced_;
  std::string body_;
  bool complete_ = false;
  bool broken_ = false;
  int resumed_ = 0;

  std::deque<std::pair<TimePoint, api::TimerListener*>> timers_;  // null: over
  std::string thrown_;

  api::BodySink* sink_ = nullptr;
  std::size_t credit_ = 0;
  api::BodySource* source_ = nullptr;
  api::BodyHold hold_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<std::unique_ptr<api::ExchangeState>> states_;
};

}  // namespace holdfast::support
