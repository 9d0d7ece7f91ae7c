// Servers whose handler asks what the test tells it to ask, and what they ask.
#pragma once

#include <string>
#include <string_view>

#include "tests/process/test_modules.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace holdfast::support {

inline std::string route(const std::string& path, const std::string& module, const std::string& settings) {
  return "      - path: " + path + "\n        module: {file: " + module + ", settings: {" + settings + "}}\n";
}

/// A server whose handler asks what the test tells it to ask.
inline ServerConfig with_caller(const std::string& settings = "") {
  ServerConfig config;
  config.workers = 1;
  config.files["caller.so"] = module_bytes("caller.so");
  config.routes = route("/call/{what}", "caller.so", settings);
  return config;
}

/// The other server, with everything the trial module does.
inline ServerConfig other_config() {
  ServerConfig config;
  config.workers = 1;
  config.files["trial.so"] = module_bytes("trial.so");
  config.routes = route("/trial/{what}", "trial.so", "");
  return config;
}

inline std::string query_escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

inline std::string asking(const std::string& what, const std::string& url, const std::string& more = "") {
  return "/call/" + what + "?url=" + query_escaped(url) + more;
}

inline std::string url_of(const ServerProcess& server, const std::string& target) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

/// Handlers of the calling server that have not ended.
inline bool alive_becomes(const ServerProcess& server, const std::string& count) {
  return eventually(10s, [&] { return get(server.port(), "/call/alive").body == count; });
}

}  // namespace holdfast::support
