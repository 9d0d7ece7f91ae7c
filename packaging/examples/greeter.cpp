// A handler of one's own: greets whoever the path names, in JSON.
//
//   c++ -std=c++20 -O2 -fPIC -shared greeter.cpp -o greeter.so $(pkg-config --cflags holdfast)
//
//   routes:
//     - path: /greet/{name}
//       methods: [GET]
//       module: {file: /usr/local/lib/holdfast/greeter.so, settings: {greeting: Good morning}}
#include <holdfast/module.h>
#include <holdfast/query.h>

#include <string>
#include <string_view>

namespace api = holdfast::api;

namespace {

/// What JSON strings may not hold as it is (RFC 8259 section 7).
std::string json_escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

class Greeter final : public api::Handler {
 public:
  // Once for each route, in each worker. What is thrown here is shown by `holdfast check`.
  explicit Greeter(api::Setup& setup) : greeting_(setup.settings().text("greeting")), log_(setup.log()) {
    if (greeting_.empty()) throw api::SettingError("greeting", "must not be empty");
    log_.debug("greeter is ready", {{"greeting", greeting_}});
  }

  void handle(api::Exchange& exchange) override {
    const api::Request& request = exchange.request();
    std::string text =
        "{\"message\": \"" + json_escaped(greeting_) + ", " + json_escaped(request.parameter("name")) + "!\"";
    // /greet/Ada?from=Charles
    if (const auto from = api::query_value(request.query, "from"))
      text += ", \"from\": \"" + json_escaped(*from) + "\"";
    text += "}\n";
    const api::Field type{"Content-Type", "application/json"};
    exchange.respond({200, {&type, 1}}, api::Body::copy(text));
  }

 private:
  const std::string greeting_;
  api::Log& log_;
};

constexpr api::SettingRow kSettings[] = {
    {"greeting", api::SettingKind::Text, "Hello", "What stands before the name."},
};

}  // namespace

HOLDFAST_MODULE(Greeter, kSettings)
