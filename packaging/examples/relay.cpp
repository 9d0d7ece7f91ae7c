// A handler that asks another server: hands its answer on while it comes, no faster than the client reads, and
// says 502 or 504 when there is none.
//
//   c++ -std=c++20 -O2 -fPIC -shared relay.cpp -o relay.so $(pkg-config --cflags holdfast)
//
//   routes:
//     - path: /weather
//       methods: [GET]
//       module: {file: /usr/local/lib/holdfast/relay.so, settings: {url: "https://weather.example.org/today"}}
#include <holdfast/awaits.h>
#include <holdfast/fetch.h>
#include <holdfast/module.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace api = holdfast::api;

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names,
                             [name](std::string_view one) { return holdfast::ascii_iequals(name, one); });
}

// What the other server may know of the client, and what decides about its answer.
bool goes_to_the_server(std::string_view name) {
  return is_one_of(name, {"Accept", "Accept-Language", "If-Modified-Since", "If-None-Match"});
}

// Fields of the connection, those that it names itself (RFC 9110 section 7.6.1), and those that this server
// writes.
bool goes_to_the_client(std::string_view name, std::string_view connection) {
  bool named = false;
  holdfast::for_each_list_element(
      connection, [&](std::string_view one) { named = named || holdfast::ascii_iequals(name, one); });
  return !named &&
         !is_one_of(name, {"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "TE",
                           "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Date", "Server"});
}

template <class Chosen>
std::vector<api::Field> chosen_of(std::span<const api::Field> fields, Chosen chosen) {
  std::vector<api::Field> some;
  for (const api::Field& field : fields)
    if (chosen(field.name)) some.push_back(field);
  return some;
}

class Relay final : public api::CoroutineHandler {
 public:
  explicit Relay(api::Setup& setup)
      : http_(setup.http()),
        log_(setup.log()),
        url_(setup.settings().text("url")),
        authorities_(setup.settings().text("authorities")),
        connect_timeout_(setup.settings().duration("connect_timeout")),
        idle_timeout_(setup.settings().duration("idle_timeout")) {
    if (!url_.starts_with("http://") && !url_.starts_with("https://"))
      throw api::SettingError("url", "must begin with http:// or https://");
  }

  api::Task<> serve(api::Exchange& exchange) override {
    const bool only_head = exchange.request().method == api::Method::Head;
    api::Response reply = co_await answer(exchange, only_head);
    const std::string_view connection = reply.field("Connection").value_or("");
    const std::vector<api::Field> fields = chosen_of(
        reply.fields(), [connection](std::string_view name) { return goes_to_the_client(name, connection); });
    api::ResponseHead head{.status = reply.status(), .fields = fields};
    head.as_is = reply.field("Content-Encoding").has_value();
    if (reply.status() == 204 || reply.status() == 304) {
      exchange.respond(head, api::Body::none());
      co_return;
    }
    std::optional<std::uint64_t> length;
    if (const auto text = reply.field("Content-Length")) length = holdfast::parse_decimal(*text);
    api::ResponseWriter writer(exchange, head, length);
    for (;;) {
      // The other server is read no faster than the client takes what was written. When it breaks off, the
      // exception that comes out of here leaves the answer without its end(), and the client sees that too.
      const std::string_view piece = co_await reply.next();
      if (piece.empty()) break;
      co_await writer.write(piece);
    }
    writer.end();
  }

 private:
  api::Task<api::Response> answer(api::Exchange& exchange, bool only_head) {
    const api::Request& request = exchange.request();
    std::string url = url_;
    if (!request.query.empty()) url.append(url.find('?') == url.npos ? "?" : "&").append(request.query);
    const std::vector<api::Field> fields = chosen_of(request.fields, goes_to_the_server);
    try {
      co_return co_await api::fetch(http_, {.method = only_head ? "HEAD" : "GET",
                                            .url = url,
                                            .fields = fields,
                                            // A big answer may take its time, as long as it moves.
                                            .timeout = holdfast::Duration::max(),
                                            .connect_timeout = connect_timeout_,
                                            .idle_timeout = idle_timeout_,
                                            .authorities = authorities_});
    } catch (const api::FetchError& error) {
      log_.warning("the other server has no answer", {{"problem", error.what()}});
      throw api::HttpError(error.gateway_status());
    }
  }

  api::HttpClient& http_;
  api::Log& log_;
  const std::string url_;
  const std::string authorities_;
  const std::chrono::milliseconds connect_timeout_;
  const std::chrono::milliseconds idle_timeout_;
};

constexpr api::SettingRow kSettings[] = {
    {"url", api::SettingKind::Text, "", "What is asked for; the query of the request is added to it.", true},
    {"connect_timeout", api::SettingKind::Duration, "5s", "How long a connection may take.", false, 1},
    {"idle_timeout", api::SettingKind::Duration, "30s", "How long the other server may keep silent.", false, 1},
    {"authorities", api::SettingKind::Text, "", "PEM file to believe in place of the system's authorities."},
};

}  // namespace

HOLDFAST_MODULE(Relay, kSettings)
