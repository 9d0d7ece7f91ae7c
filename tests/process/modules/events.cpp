// Server-sent events, for tests: what the last segment of the path says.
#include <holdfast/awaits.h>
#include <holdfast/event_stream.h>
#include <holdfast/module.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace api = holdfast::api;

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

class Viewer final : public api::EventClient {
 public:
  Viewer(api::Exchange& exchange, std::vector<Viewer*>& all) : EventClient(exchange), all_(all) {
    all_.push_back(this);
  }
  ~Viewer() override { std::erase(all_, this); }

 private:
  std::vector<Viewer*>& all_;
};

class Alive {
 public:
  explicit Alive(int& count) : count_(count) { ++count_; }
  ~Alive() { --count_; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;

 private:
  int& count_;
};

class Events final : public api::CoroutineHandler {
 public:
  explicit Events(api::Setup& setup) : heartbeat_(setup.settings().duration("heartbeat")) {}

  api::Task<> serve(api::Exchange& exchange) override {
    const std::string what(exchange.request().parameter("what"));
    if (what == "alive") {
      exchange.respond({}, api::Body::copy(std::to_string(alive_ + static_cast<int>(viewers_.size()))));
    } else if (what == "view") {
      // This coroutine ends here, and the viewer stays.
      api::open_event_stream<Viewer>(exchange, viewers_);
    } else if (what == "push") {
      const std::string data = co_await api::whole_body(exchange, 1000);
      for (Viewer* const viewer : viewers_) static_cast<void>(viewer->push({.event = "pushed", .data = data}));
      exchange.respond({}, api::Body::copy(std::to_string(viewers_.size())));
    } else if (what == "close") {
      for (Viewer* const viewer : viewers_) viewer->end();
      exchange.respond({204}, api::Body::none());
    } else {
      co_await tell(exchange, what);
    }
  }

 private:
  api::Task<> tell(api::Exchange& exchange, const std::string& what) {
    const Alive here(alive_);
    const std::string from(api::last_event_id(exchange.request()));
    api::EventStream stream(exchange, {.heartbeat = heartbeat_});
    co_await stream.send({.event = "hello", .data = "after " + from + "\nline two", .id = "1", .retry = 100ms});
    if (what == "three") {
      for (int i = 2; i <= 3; ++i) {
        co_await api::pause(exchange, 20ms);
        co_await stream.send({.data = std::to_string(i), .id = std::to_string(i)});
      }
      stream.end();
    } else if (what == "flood") {
      for (const std::string data(10'000, 'x');;) co_await stream.send({.data = data});
    } else {
      co_await api::pause(exchange, 1h);
    }
  }

  const std::chrono::milliseconds heartbeat_;
  std::vector<Viewer*> viewers_;
  int alive_ = 0;
};

constexpr api::SettingRow kSettings[] = {
    {"heartbeat", api::SettingKind::Duration, "15s", "Silence before a comment."},
};

}  // namespace

HOLDFAST_MODULE(Events, kSettings)
