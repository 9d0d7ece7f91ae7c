#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

/// Known here so that it is described; the loader has put in the included files before any row is read.
Field<Config, 0> include_field() {
  Field<Config, 0> row;
  row.info.key = "include";
  row.info.help =
      "Files whose `sites` and `listeners` are added to those of this one, as a pattern or a list of patterns, "
      "relative to "
      "this file. Use it to keep one file a site.";
  row.info.example = "conf.d/*.yaml";
  row.info.noun = "pattern, or list of patterns";
  row.info.schema =
      schema_any({schema_type("string"),
                  mapping({entry("type", text_node("array")), entry("items", schema_type("string"))})});
  row.read = [](Reader&, const Entry*, Config&) {};
  row.write = [](const Config&, const Config&) { return std::nullopt; };
  return row;
}

}  // namespace

const Rows<Config>& config_rows() {
  static const Rows<Config> rows = make_rows<Config, /*file, places*/ 2>(
      include_field(),
      field("process", &Config::process, process_kind(), "{}", Takes::NewWorkers,
            "The master and its workers."),
      field("log", &Config::log, log_kind(), "{}", Takes::NewWorkers, "Error log and access log."),
      field("admin", &Config::admin, admin_kind(), "{}", Takes::NewWorkers,
            "The listener for metrics, health and status, served by a process of its own. `off` closes it."),
      nested("metrics", &Config::metrics, metrics_rows(), Takes::NewWorkers,
             "What is measured, and how finely."),
      nested("limits", &Config::limits, limits_rows(), Takes::NewWorkers, "What a client may use at most."),
      nested("timeouts", &Config::timeouts, timeouts_rows(), Takes::NewWorkers, "How long the server waits."),
      nested("compression", &Config::compression, compression_rows(), Takes::NewWorkers,
             "Compression of responses, while they are sent."),
      nested("request_id", &Config::request_id, request_id_rows(), Takes::NewWorkers,
             "An identifier for each request, in the response, the logs and on error pages."),
      field("session_tickets", &Config::session_tickets, session_tickets_kind(), "{}", Takes::NewWorkers,
            "Tickets with which clients resume TLS sessions, on whichever worker; `off`: every handshake is a "
            "full one."),
      nested("websocket", &Config::websocket, websocket_rows(), Takes::NewWorkers,
             "WebSocket connections of all routes."),
      field("listeners", &Config::listeners, listeners_kind(), "{http: {bind: \"0.0.0.0:8080\"}}",
            Takes::NewWorkers, "Addresses that are served, by name."),
      field("sites", &Config::sites, list_of(site_kind()), "", Takes::NewWorkers,
            "Sites, each with the hosts it answers for and its routes."));
  return rows;
}

}  // namespace holdfast::config
