// A handler for tests: does what the last segment of the path says, right or wrong.
#include <holdfast/awaits.h>
#include <holdfast/conversation.h>
#include <holdfast/module.h>
#include <holdfast/query.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace api = holdfast::api;

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

/// Coroutines that are alive in this worker.
int alive = 0;
class Alive {
 public:
  Alive() { ++alive; }
  ~Alive() { --alive; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
};

[[noreturn]] void crash() {
  std::abort();
}

/// As opposed to a process in which the configuration is only tried.
bool is_worker() {
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  return std::string_view(name).starts_with("holdfast: w");
}

/// What blocks is what the pool is for.
int doze(std::chrono::milliseconds time, const std::string& file, bool crashes) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
  while (!file.empty() && ::access(file.c_str(), F_OK) != 0) ::poll(nullptr, 0, 5);
  if (crashes) crash();
  return 42;
}

/// What the query's `then` says is done when a wait is over.
bool is_to(const char* deed, const api::Exchange& exchange) {
  return api::query_value(exchange.request().query, "then") == deed;
}

class CrashAtEnd {
 public:
  explicit CrashAtEnd(bool crashes) : crashes_(crashes) {}
  ~CrashAtEnd() {
    if (crashes_) crash();
  }
  CrashAtEnd(const CrashAtEnd&) = delete;
  CrashAtEnd& operator=(const CrashAtEnd&) = delete;

 private:
  const bool crashes_;
};

class Trial final : public api::CoroutineHandler {
 public:
  explicit Trial(api::Setup& setup)
      : pool_(setup.pool()), log_(setup.log()), word_(setup.settings().text("word")) {
    const std::string_view birth = setup.settings().text("birth");
    if (birth == "throws") throw std::runtime_error("no luck today");
    if (birth == "throws in workers" && is_worker()) throw std::runtime_error("no luck in a worker");
    if (birth == "crashes") crash();
    if (birth == "refuses") throw api::SettingError("birth", "must be a better one");
    log_.info("trial is ready", {{"word", word_}});
  }

  api::Task<> serve(api::Exchange& exchange) override {
    const Alive here;
    const std::string what(exchange.request().parameter("what"));
    if (what == "word") {
      exchange.respond({}, api::Body::copy(word_));
    } else if (what == "alive") {
      exchange.respond({}, api::Body::copy(std::to_string(alive - 1)));
    } else if (what == "throw") {
      throw std::runtime_error("thrown on purpose");
    } else if (what == "teapot") {
      throw api::HttpError(418);
    } else if (what == "crash") {
      crash();
    } else if (what == "never") {
      const CrashAtEnd end(is_to("crash", exchange));
      co_await api::pause(exchange, 1h);
    } else if (what == "pause") {
      co_await api::pause(exchange, milliseconds(exchange));
      if (is_to("crash", exchange)) crash();
      exchange.respond({}, api::Body::copy("paused"));
    } else {
      co_await wait_for(what, exchange);
    }
  }

 private:
  static std::chrono::milliseconds milliseconds(api::Exchange& exchange) {
    return std::chrono::milliseconds(
        std::stoi(api::query_value(exchange.request().query, "ms").value_or("20")));
  }

  api::Task<> wait_for(std::string what, api::Exchange& exchange) {
    if (what == "pool") {
      const auto time = milliseconds(exchange);
      const std::string file = api::query_value(exchange.request().query, "until").value_or("");
      const int sum = co_await api::in_pool(pool_, doze, time, file, is_to("crash_there", exchange));
      if (is_to("crash", exchange)) crash();
      exchange.respond({}, api::Body::copy(std::to_string(sum)));
    } else if (what == "piece") {
      api::BodyReader reader(exchange);
      co_await reader.next();
      crash();
    } else if (what == "body") {
      const std::string body = co_await api::whole_body(exchange, 100'000);
      if (is_to("crash", exchange)) crash();
      exchange.respond({}, api::Body::copy(std::to_string(body.size())));
    } else if (what == "stream") {
      api::ResponseWriter writer(exchange, {});
      const std::string block(10'000, 's');
      const int blocks = std::stoi(api::query_value(exchange.request().query, "blocks").value_or("100"));
      for (int i = 0; i < blocks; ++i) co_await writer.write(block);
      if (is_to("crash", exchange)) crash();
      writer.end();
    } else if (what == "drip") {
      api::ResponseWriter writer(exchange, {});
      co_await writer.write("a drop");
      co_await api::pause(exchange, 1h);
      writer.end();
    } else if (what == "talk") {
      co_await talk(exchange);
    } else if (what == "cut") {
      api::ResponseWriter writer(exchange, {});
      co_await writer.write("a beginning");
      throw std::runtime_error("no end");
    } else {
      throw api::HttpError(404);
    }
  }

  /// Says everything twice; some words are deeds.
  static api::Task<> talk(api::Exchange& exchange) {
    api::Conversation talk(exchange);
    while (const auto message = co_await talk.receive()) {
      const std::string said(message->data);
      if (said == "crash") crash();
      if (said == "throw") throw std::runtime_error("thrown in a conversation");
      if (said == "bye") co_return talk.close(4000, "as you like");
      if (said == "end") co_return;
      if (said == "wait") co_await api::pause(exchange, 30ms);
      if (said == "flood")
        while (co_await talk.send(api::MessageKind::Binary, std::string(100'000, 'f'))) continue;
      if (!co_await talk.send(message->kind, said)) co_return;
      co_await talk.send(message->kind, said + " again");
    }
  }

  api::WorkPool& pool_;
  api::Log& log_;
  const std::string word_;
};

constexpr api::SettingRow kSettings[] = {
    {"word", api::SettingKind::Text, "hello", "What /word answers."},
    {"birth", api::SettingKind::Text, "works", "How the handler is made: works, throws, crashes, refuses."},
    {"count", api::SettingKind::Integer, "1", "A number from 1 to 9.", false, 1, 9},
    {"wait", api::SettingKind::Duration, "1s", "A time."},
};

}  // namespace

HOLDFAST_MODULE(Trial, kSettings)
