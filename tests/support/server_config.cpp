#include "tests/support/server_config.h"

#include <unistd.h>

namespace holdfast::support {
namespace {

std::string section(const std::string& name, const std::string& members) {
  return members.empty() ? std::string() : name + ": {" + members + "}\n";
}

}  // namespace

std::string ServerConfig::yaml(const TempDir& dir) const {
  std::string own = "workers: " + std::to_string(workers);
  if (process.find("pid_file") == std::string::npos) own += ", pid_file: \"" + (dir / "holdfast.pid") + "\"";
  if (::geteuid() == 0) own += ", user: nobody, group: nogroup";
  if (!process.empty()) own += ", " + process;
  std::string text = section("process", own);
  text += section("log", log.empty() ? "error: {to: stderr, level: info}, access: off" : log);
  text += "admin: {bind: \"" + admin + "\"}\n";
  text += section("limits", limits) + section("timeouts", timeouts);
  text += "listeners:\n" + listeners;
  text += "sites:\n  - name: main\n    routes:\n";
  text += "      - {path: /api/hello, methods: [GET], hello: {}}\n";
  text += "      - {path: /api/echo, methods: [POST], echo: {}}\n";
  text += "      - {path: /api/status, methods: [GET], status: {}}\n";
  text += "      - {path: /fixed, respond: {status: 200, body: \"fixed answer\"}}\n";
  text += "      - {path: /old, redirect: {to: /new, status: 308}}\n";
  text += routes;
  text += "      - {path: /*, files: {root: \"" + (root.empty() ? dir / "www" : root) +
          "\", index: [index.html]}}\n";
  return text + more;
}

}  // namespace holdfast::support
