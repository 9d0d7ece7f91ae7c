// A handler for tests that asks other servers: what the last segment of the path says, at the `url` of the
// query.
#include <holdfast/awaits.h>
#include <holdfast/fetch.h>
#include <holdfast/module.h>
#include <holdfast/query.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

namespace api = holdfast::api;

namespace {

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

std::string_view name_of(api::FetchFailure why) {
  switch (why) {
    case api::FetchFailure::Invalid:
      return "invalid";
    case api::FetchFailure::NameNotFound:
      return "name not found";
    case api::FetchFailure::Refused:
      return "refused";
    case api::FetchFailure::TimedOut:
      return "timed out";
    case api::FetchFailure::TlsRefused:
      return "tls refused";
    case api::FetchFailure::Malformed:
      return "malformed";
    case api::FetchFailure::TooLarge:
      return "too large";
    case api::FetchFailure::CutShort:
      return "cut short";
    case api::FetchFailure::TooMany:
      return "too many";
  }
  return "?";
}

class Caller final : public api::CoroutineHandler {
 public:
  explicit Caller(api::Setup& setup)
      : http_(setup.http()),
        authorities_(setup.settings().text("authorities")),
        timeout_(setup.settings().duration("timeout")),
        connect_timeout_(setup.settings().duration("connect_timeout")),
        idle_timeout_(setup.settings().duration("idle_timeout")) {}

  api::Task<> serve(api::Exchange& exchange) override {
    const Alive here;
    const std::string what(exchange.request().parameter("what"));
    if (what == "alive") {
      exchange.respond({}, api::Body::copy(std::to_string(alive - 1)));
      co_return;
    }
    const std::string url = api::query_value(exchange.request().query, "url").value_or("");
    const std::string method = api::query_value(exchange.request().query, "method").value_or("GET");
    const std::string body = co_await api::whole_body(exchange, 1'000'000);
    std::string problem;
    try {
      if (what == "stream") {
        co_await stream(exchange, method, url, body);
      } else if (what == "hold") {
        api::Response reply = co_await api::fetch(http_, asked(method, url, body));
        co_await api::pause(exchange, 1h);
      } else if (what == "both") {
        api::Fetch first = api::fetch(http_, asked(method, url, body));
        api::Fetch second = api::fetch(http_, asked(method, url, body));
        api::Response later = co_await second;
        api::Response sooner = co_await first;
        exchange.respond({}, api::Body::copy(co_await api::whole_body(sooner, 100'000) +
                                             co_await api::whole_body(later, 100'000)));
      } else {
        api::Response reply = co_await api::fetch(http_, asked(method, url, body));
        const std::string text = co_await api::whole_body(reply, 100'000);
        if (what == "crash") std::abort();
        exchange.respond({}, api::Body::copy(std::to_string(reply.status()) + " " + text));
      }
      co_return;
    } catch (const api::FetchError& error) {
      if (exchange.answered()) throw;
      problem = std::string(name_of(error.why())) + ": " + error.what() + "\n";
    }
    exchange.respond({502}, api::Body::copy(problem));
  }

 private:
  api::OutgoingRequest asked(std::string_view method, std::string_view url, std::string_view body) const {
    return {.method = method,
            .url = url,
            .body = body,
            .timeout = timeout_,
            .connect_timeout = connect_timeout_,
            .idle_timeout = idle_timeout_,
            .authorities = authorities_};
  }

  api::Task<> stream(api::Exchange& exchange, std::string_view method, std::string_view url,
                     std::string_view body) {
    api::Response reply = co_await api::fetch(http_, asked(method, url, body));
    api::ResponseWriter writer(exchange, {.status = reply.status()});
    for (;;) {
      const std::string_view piece = co_await reply.next();
      if (piece.empty()) break;
      co_await writer.write(piece);
    }
    writer.end();
  }

  api::HttpClient& http_;
  const std::string authorities_;
  const std::chrono::milliseconds timeout_;
  const std::chrono::milliseconds connect_timeout_;
  const std::chrono::milliseconds idle_timeout_;
};

constexpr api::SettingRow kSettings[] = {
    {"authorities", api::SettingKind::Text, "", "PEM file of whom to believe."},
    {"timeout", api::SettingKind::Duration, "20s", "Of the whole call."},
    {"connect_timeout", api::SettingKind::Duration, "5s", "Of the connection."},
    {"idle_timeout", api::SettingKind::Duration, "20s", "Of silence."},
};

}  // namespace

HOLDFAST_MODULE(Caller, kSettings)
