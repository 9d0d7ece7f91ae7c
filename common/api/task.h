// Handlers as coroutines, on top of the other headers and nothing else. A handler waits where it stands:
//
//   class Slow final : public holdfast::api::CoroutineHandler {
//    public:
//     explicit Slow(holdfast::api::Setup& setup) : pool_(setup.pool()) {}
//     holdfast::api::Task<> serve(holdfast::api::Exchange& exchange) override {
//       const std::string form = co_await holdfast::api::whole_body(exchange, 64 * 1024);
//       const int rows = co_await holdfast::api::in_pool(pool_, store, form);  // in a thread
//       co_await holdfast::api::pause(exchange, 100ms);
//       exchange.respond({200}, holdfast::api::Body::copy(std::to_string(rows)));
//     }
//   };
//
// When the client leaves, or the answer was sent, the coroutine is destroyed where it waits and its destructors
// run. What it throws becomes a 500 with an id that the log has too; HttpError becomes its own status.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "common/api/handler.h"
#include "common/api/status.h"

namespace holdfast::api {

/// Ends a coroutine with the standard page of a status (400 to 599).
class HttpError : public std::runtime_error {
 public:
  explicit HttpError(std::uint16_t status)
      : std::runtime_error(std::string(reason_phrase(status))), status_(status) {}
  std::uint16_t status() const { return status_; }

 private:
  std::uint16_t status_;
};

template <class T = void>
class Task;

namespace detail {

/// In whose memory the coroutine that is being called gets its frame; null: on the heap. Only the outermost one
/// of an exchange is called so: others come and go, and the memory of an exchange is given back at its end
/// only.
inline thread_local Exchange* frame_owner = nullptr;

/// A word in front of each frame tells where it lives.
class FrameMemory {
 public:
  static void* operator new(std::size_t bytes) {
    Exchange* const owner = std::exchange(frame_owner, nullptr);
    void* const begin = owner ? owner->allocate(bytes + kMark).data() : ::operator new(bytes + kMark);
    new (begin) bool(owner == nullptr);
    return static_cast<std::byte*>(begin) + kMark;
  }
  static void operator delete(void* frame) noexcept {
    auto* const begin = static_cast<std::byte*>(frame) - kMark;
    if (*reinterpret_cast<const bool*>(begin)) ::operator delete(begin);
  }

 private:
  static constexpr std::size_t kMark = alignof(std::max_align_t);
};

/// Told when the outermost task is over; its frame is suspended then, and may be destroyed.
class TaskListener {
 public:
  virtual void on_task_end() noexcept = 0;

 protected:
  ~TaskListener() = default;
};

/// Goes on with whoever awaited the task.
struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
    TaskListener* const listener = done.promise().listener;
    if (listener == nullptr) return done.promise().continuation;
    listener->on_task_end();
    return std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase : FrameMemory {
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
  void rethrow() const {
    if (thrown) std::rethrow_exception(thrown);
  }

  TaskListener* listener = nullptr;      // of the outermost task
  std::coroutine_handle<> continuation;  // of others: who awaits it
  std::exception_ptr thrown;
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object();
  template <class Value>
  void return_value(Value&& given) {
    value.emplace(std::forward<Value>(given));
  }
  T take() {
    rethrow();
    return std::move(*value);
  }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

}  // namespace detail

/// A coroutine that begins when it is awaited, and whose result (or exception) comes out of that. Owner of its
/// frame.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Frame = std::coroutine_handle<promise_type>;

  explicit Task(Frame frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && {
    struct Awaiter {
      Frame frame;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
        frame.promise().continuation = caller;
        return frame;
      }
      T await_resume() const { return frame.promise().take(); }
    };
    return Awaiter{frame_};
  }

  /// For who drives the outermost one.
  Frame frame() const { return frame_; }

 private:
  Frame frame_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(Task<T>::Frame::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(Task<void>::Frame::from_promise(*this));
}

namespace detail {

/// The outermost coroutine of an exchange; destroyed with it, wherever it waits.
class ServingTask final : public ExchangeState, private TaskListener {
 public:
  ServingTask(Exchange& exchange, Task<> task) : exchange_(exchange), task_(std::move(task)) {}

  void begin() {
    task_.frame().promise().listener = this;
    task_.frame().resume();
  }

 private:
  void on_task_end() noexcept override {
    try {
      task_.frame().promise().take();
      if (!exchange_.answered()) throw std::logic_error("the handler's coroutine ended without an answer");
    } catch (const HttpError& error) {
      if (exchange_.answered()) return exchange_.handler_threw();
      exchange_.fail(error.status());
    } catch (...) {
      exchange_.handler_threw();
    }
  }

  Exchange& exchange_;
  Task<> task_;
};

}  // namespace detail

class CoroutineHandler : public Handler {
 public:
  /// Answers the exchange before it ends. Its frame lives in the exchange's memory.
  virtual Task<> serve(Exchange& exchange) = 0;

  void handle(Exchange& exchange) final {
    auto owned = std::make_unique<detail::ServingTask>(exchange, call(exchange));
    detail::ServingTask& serving = *owned;
    exchange.attach(std::move(owned));
    serving.begin();
  }

 private:
  Task<> call(Exchange& exchange) {
    struct Owner {
      explicit Owner(Exchange& owner) { detail::frame_owner = &owner; }
      ~Owner() { detail::frame_owner = nullptr; }
    } const owner(exchange);
    return serve(exchange);
  }
};

}  // namespace holdfast::api
