#include "common/ascii.h"
#include "common/syslog.h"
#include "config/nearest_name.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kTargets = "stderr, stdout, syslog, syslog:/PATH of its socket, or an absolute path";

std::string check_target(std::string& value) {
  if (value == "stdout" || value == "stderr" || value.starts_with('/')) return "";
  const std::optional<std::string> socket = syslog_socket_of(value);
  if (!socket) return "must be " + std::string(kTargets);
  // The room in a socket's address (unix(7)).
  return socket->size() <= 107 ? "" : "the path of a socket has at most 107 bytes";
}

Kind<std::string> target() {
  return text(std::string(kTargets), check_target);
}

/// A template has its fields in braces, {{ and }} being braces themselves; which fields exist is known to the
/// worker.
bool is_template(std::string_view text) {
  bool has_field = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("{{") || text.substr(i).starts_with("}}")) {
      ++i;
    } else if (text[i] == '}') {
      return false;
    } else if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos || end == i + 1) return false;
      for (const char c : text.substr(i + 1, end - i - 1))
        if (c != '_' && !(c >= 'a' && c <= 'z')) return false;
      has_field = true;
      i = end;
    }
  }
  return has_field;
}

Kind<std::string> access_format() {
  return {"combined, common, json, terse or a template", schema_type("string"),
          [](Reader& reader, const Node& node, std::string& out) {
            const std::vector<std::string_view> names{"combined", "common", "json", "terse"};
            std::string value;
            if (!read_string(reader, node, value)) return false;
            bool known = is_template(value);
            for (const std::string_view name : names) known = known || value == name;
            const std::string nearest = nearest_name(value, names);
            if (!known)
              return reader.wrong(node, "must be combined, common, json, terse or a template with {fields}",
                                  nearest.empty() ? "" : "did you mean `" + nearest + "`?");
            out = std::move(value);
            return true;
          },
          [](const std::string& value, const Config&) { return text_node(value); }};
}

const Rows<ErrorLog>& error_rows() {
  static const Rows<ErrorLog> rows = make_rows<ErrorLog>(
      field("to", &ErrorLog::to, target(), "stderr", Takes::Now,
            "Where the error log goes: `stderr` suits systemd and containers, `syslog` a machine that has one, "
            "a path "
            "suits a file that logrotate turns over: a renamed file is followed, USR1 has it opened anew at "
            "once.")
          .located(),
      field("level", &ErrorLog::level,
            choice<LogLevel>({{{"debug", LogLevel::Debug},
                               {"info", LogLevel::Info},
                               {"warning", LogLevel::Warning},
                               {"error", LogLevel::Error}}}),
            "info", Takes::Now,
            "The least important lines that are written. `debug` tells about single connections."),
      field("format", &ErrorLog::format,
            choice<LogFormat>({{{"text", LogFormat::Text}, {"json", LogFormat::Json}}}), "text", Takes::Now,
            "`text` for people, `json` for programs that collect logs."));
  return rows;
}

const Rows<AccessLog>& access_rows() {
  static const Rows<AccessLog> rows = make_rows<AccessLog, /*enabled*/ 1>(
      field("to", &AccessLog::to, target(), "/var/log/holdfast/access.log", Takes::NewWorkers,
            "Where the line of each request goes, many at a time, after a tenth of a second at most. `stdout` "
            "suits "
            "containers.")
          .located(),
      field("format", &AccessLog::format, access_format(), "combined", Takes::NewWorkers,
            "`combined` and `common` are what log analysers expect, `json` is for programs, `terse` for a "
            "terminal; a "
            "template such as `{client_ip} {status} {target}` keeps only what is wanted."));
  return rows;
}

Kind<AccessLog> access_kind() {
  const Kind<AccessLog> open = section(access_rows());
  return {"section, or off", schema_any({schema_words({"off"}), open.schema}),
          [open](Reader& reader, const Node& node, AccessLog& out) {
            out.enabled = node.kind != Node::Kind::Scalar || node.text != "off";
            return open.read(reader, out.enabled ? node : Node{}, out);
          },
          [open](const AccessLog& value, const Config& config) {
            return value.enabled ? open.write(value, config) : word_node("off");
          },
          open.children};
}

const Rows<Log>& log_rows() {
  static const Rows<Log> rows =
      make_rows<Log>(nested("error", &Log::error, error_rows(), Takes::Now,
                            "What the server says about itself: starts, reloads, failures."),
                     field("access", &Log::access, access_kind(), "{}", Takes::NewWorkers,
                           "One line a request. `off` saves the work where nobody reads them."));
  return rows;
}

}  // namespace

Kind<Log> log_kind() {
  return section(log_rows());
}

}  // namespace holdfast::config
