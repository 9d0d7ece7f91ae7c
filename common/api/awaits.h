// What a coroutine handler can wait for: a time, work in the pool, the request body, room for the response. All
// of it may be destroyed while it waits, with the coroutine.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "common/api/task.h"
#include "common/api/work.h"

namespace holdfast::api {
namespace detail {

class Pause final : private TimerListener {
 public:
  Pause(Exchange& exchange, TimePoint until) : exchange_(exchange), until_(until) {}
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

  bool await_ready() const { return until_ <= exchange_.now(); }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    hold_ = exchange_.start_timer(until_, *this);
  }
  void await_resume() const noexcept {}

 private:
  void on_timer() override { caller_.resume(); }

  Exchange& exchange_;
  const TimePoint until_;
  std::coroutine_handle<> caller_;
  std::unique_ptr<TimerHold> hold_;
};

template <class Call>
class PoolCall {
 public:
  using Value = std::invoke_result_t<Call&>;

  PoolCall(WorkPool& pool, Call call) : pool_(pool), call_(std::move(call)) {}
  PoolCall(const PoolCall&) = delete;
  PoolCall& operator=(const PoolCall&) = delete;
  ~PoolCall() {
    if (job_ != nullptr) job_->waiting = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    auto job = std::make_unique<Job>(std::move(call_), this);
    job_ = job.get();
    if (!pool_.submit(std::move(job))) throw HttpError(503);
  }
  Value await_resume() {
    if (job_->thrown) std::rethrow_exception(job_->thrown);
    if constexpr (!std::is_void_v<Value>) return std::move(*job_->value);
  }

 private:
  struct Nothing {};
  /// Belongs to the pool; what it has made lives until done() returns.
  struct Job final : Work {
    Job(Call given, PoolCall* waiter) : call(std::move(given)), waiting(waiter) {}
    ~Job() override {
      if (waiting != nullptr) waiting->job_ = nullptr;
    }
    void run() noexcept override {
      try {
        if constexpr (std::is_void_v<Value>) {
          call();
        } else {
          value.emplace(call());
        }
      } catch (...) {
        thrown = std::current_exception();
      }
    }
    void done() override {
      if (waiting != nullptr) waiting->caller_.resume();
    }

    Call call;
    PoolCall* waiting;  // null: the coroutine is gone
    std::optional<std::conditional_t<std::is_void_v<Value>, Nothing, Value>> value;
    std::exception_ptr thrown;
  };

  WorkPool& pool_;
  Call call_;
  std::coroutine_handle<> caller_;
  Job* job_ = nullptr;
};

/// A function with its arguments, as std::thread takes them: to be called once.
template <class Call, class... Arguments>
class BoundCall {
 public:
  template <class GivenCall, class... Given>
  explicit BoundCall(std::in_place_t /*made of*/, GivenCall&& call, Given&&... arguments)
      : call_(std::forward<GivenCall>(call)), arguments_(std::forward<Given>(arguments)...) {}

  auto operator()() {
    return std::apply([this](Arguments&... held) { return std::invoke(std::move(call_), std::move(held)...); },
                      arguments_);
  }

 private:
  Call call_;
  std::tuple<Arguments...> arguments_;
};

}  // namespace detail

/// co_await pause(exchange, 100ms): other exchanges are served meanwhile. Up to 16 ms longer.
inline detail::Pause pause(Exchange& exchange, Duration duration) {
  return {exchange, exchange.now() + duration};
}

/// const auto rows = co_await in_pool(pool, load, name): `load(name)` is called in a thread of the pool, may
/// block, and touches only what was handed to it, which was copied or moved; its result or exception comes back
/// here. If the client leaves meanwhile the call is finished all the same, and its result thrown away.
/// HttpError 503 when more is waiting for the pool than is worth waiting for.
///
/// A lambda may be written in place when it holds nothing, or nothing with a destructor. Another one gets a
/// name first, or what it needs as arguments: GCC 12 destroys such a temporary of a co_await expression twice.
template <class Call, class... Arguments>
auto in_pool(WorkPool& pool, Call&& call, Arguments&&... arguments) {
  using Kept = std::decay_t<Call>;
  static_assert(std::is_lvalue_reference_v<Call> || std::is_trivially_destructible_v<Kept>,
                "give the function object a name before the co_await, or hand what it holds to in_pool() as "
                "arguments: GCC 12 destroys a temporary like this twice");
  using Bound = detail::BoundCall<Kept, std::decay_t<Arguments>...>;
  return detail::PoolCall<Bound>(
      pool, Bound(std::in_place, std::forward<Call>(call), std::forward<Arguments>(arguments)...));
}

/// The request body, piece by piece. A local object of the coroutine, one an exchange.
class BodyReader final : private BodySink {
 public:
  /// At most `credit` bytes are held here; the client waits when they are not taken.
  explicit BodyReader(Exchange& exchange, std::size_t credit = std::size_t{64} * 1024)
      : exchange_(exchange), credit_(credit), ended_(!exchange.request().has_body) {}
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  ~BodyReader() {
    if (begun_ && !ended_) exchange_.drop_body();
  }

  /// co_await reader.next(): some bytes, or none at the end of the body. The view lives until the next call.
  auto next() {
    struct Awaiter {
      BodyReader& reader;
      bool await_ready() const { return reader.prepare(); }
      void await_suspend(std::coroutine_handle<> caller) const { reader.caller_ = caller; }
      std::string_view await_resume() const { return reader.take(); }
    };
    return Awaiter{*this};
  }

 private:
  bool prepare() {
    piece_.clear();
    if (ended_) return true;
    if (!std::exchange(begun_, true)) {
      exchange_.receive_body(*this, credit_);
    } else if (taken_ > 0) {
      exchange_.grant(std::exchange(taken_, 0));
    }
    return ended_ || !arrived_.empty();
  }
  std::string_view take() {
    piece_.swap(arrived_);
    taken_ = piece_.size();
    return piece_;
  }
  void on_body(std::span<const std::byte> bytes) override {
    arrived_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    wake();
  }
  void on_body_end() override {
    ended_ = true;
    wake();
  }
  void wake() {
    if (caller_) std::exchange(caller_, nullptr).resume();
  }

  Exchange& exchange_;
  const std::size_t credit_;
  std::string arrived_;
  std::string piece_;
  std::size_t taken_ = 0;  // of the credit, to be given back
  std::coroutine_handle<> caller_;
  bool begun_ = false;
  bool ended_;
};

/// const std::string form = co_await whole_body(exchange, 64 * 1024). HttpError 413 when it is longer.
inline Task<std::string> whole_body(Exchange& exchange, std::size_t limit) {
  if (exchange.request().content_length.value_or(0) > limit) throw HttpError(413);
  BodyReader reader(exchange);
  std::string all;
  for (;;) {
    const std::string_view piece = co_await reader.next();
    if (piece.empty()) break;
    if (all.size() + piece.size() > limit) throw HttpError(413);
    all += piece;
  }
  co_return all;
}

/// A response that is written bit by bit; the writer waits for as long as the client is slower. A local object
/// of the coroutine. Without end() the client is shown that the answer is not whole.
class ResponseWriter {
 public:
  /// Answers the exchange. Absent length: chunked, or until close for HTTP/1.0.
  ResponseWriter(Exchange& exchange, const ResponseHead& head,
                 std::optional<std::uint64_t> length = std::nullopt) {
    auto owned = std::make_unique<Source>(exchange);
    source_ = owned.get();
    exchange.attach(std::move(owned));
    exchange.respond(head, Body::stream(*source_, length));
  }
  ResponseWriter(const ResponseWriter&) = delete;
  ResponseWriter& operator=(const ResponseWriter&) = delete;
  ~ResponseWriter() {
    if (!source_->ended) source_->finish(Pull::Failed);
  }

  /// co_await writer.write(text): goes on when all of it was taken. The bytes live until then.
  auto write(std::string_view bytes) {
    struct Awaiter {
      Source& source;
      std::string_view bytes;
      bool await_ready() const noexcept { return bytes.empty(); }
      void await_suspend(std::coroutine_handle<> caller) const { source.offer(bytes, caller); }
      void await_resume() const noexcept {}
    };
    return Awaiter{*source_, bytes};
  }
  /// That was all.
  void end() { source_->finish(Pull::End); }

 private:
  /// Outlives the writer: it belongs to the exchange, and is destroyed after the coroutine.
  class Source final : public ExchangeState, public BodySource {
   public:
    explicit Source(Exchange& exchange) : exchange_(exchange) {}

    void offer(std::string_view bytes, std::coroutine_handle<> caller) {
      bytes_ = bytes;
      caller_ = caller;
      wake();
    }
    void finish(Pull how) {
      ended = true;
      how_ = how;
      wake();
    }
    Pulled read(std::span<std::byte> room) override {
      std::size_t filled = 0;
      for (;;) {
        const std::size_t part = std::min(room.size() - filled, bytes_.size());
        if (part > 0) std::memcpy(room.data() + filled, bytes_.data(), part);
        filled += part;
        bytes_.remove_prefix(part);
        if (!bytes_.empty()) return {filled, Pull::More};
        if (caller_) {
          reading_ = true;
          std::exchange(caller_, nullptr).resume();
          reading_ = false;
          continue;
        }
        if (ended && how_ == Pull::End) return {filled, Pull::End};
        if (filled > 0) return {filled, Pull::More};
        if (ended) return {0, Pull::Failed};
        waits_ = true;
        return {0, Pull::Later};
      }
    }

    bool ended = false;

   private:
    void wake() {
      if (!reading_ && std::exchange(waits_, false)) exchange_.body_ready();
    }

    Exchange& exchange_;
    std::string_view bytes_;
    std::coroutine_handle<> caller_;
    Pull how_ = Pull::End;
    bool reading_ = false;
    bool waits_ = false;
  };

  Source* source_;
};

}  // namespace holdfast::api
