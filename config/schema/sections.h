// The sections of the configuration; each table of rows stands in the NAME_fields.cpp beside this header.
#pragma once

#include "config/config.h"
#include "config/schema/field.h"

namespace holdfast::config {

const Rows<Config>& config_rows();

Kind<Process> process_kind();
Kind<Log> log_kind();
Kind<Admin> admin_kind();
const Rows<Limits>& limits_rows();
const Rows<Timeouts>& timeouts_rows();
const Rows<Compression>& compression_rows();
const Rows<HeaderEdits>& header_edits_rows();
const Rows<Policies>& policies_rows();
const Rows<SandboxWishes>& sandbox_wishes_rows();
/// A section, or `off`, which has 0 requests.
Kind<RateLimit> rate_limit_kind();
const Rows<RequestId>& request_id_rows();
const Rows<Metrics>& metrics_rows();
Kind<std::vector<Listener>> listeners_kind();
Kind<Tls> tls_kind();
Kind<SessionTickets> session_tickets_kind();
Kind<Site> site_kind();
Kind<Route> route_kind();

/// A file that has to be there when the configuration is loaded; relative paths as with path_kind().
Kind<LoadedFile> loaded_file(std::string noun);

/// The rows of a route that are its actions, available or not.
std::vector<Field<Route, 0>> action_fields();

/// One content coding by its name.
Kind<Coding> coding_kind();

/// Checks of response fields that a configuration sets: not those that the core writes, nothing that could
/// split a head.
std::string check_response_header(std::string& name);
std::string check_header_value(std::string& value);

/// "192.0.2.7", "10.0.0.0/8", "unix", in their normal form.
Kind<std::string> address_or_network();

/// "GET" and the like: capitals, not CONNECT.
std::string check_method(std::string& method);

// Sections of features that are not built yet: known by name, refused when asked for.
const Rows<WebSocket>& websocket_rows();
const Rows<ChatAction>& chat_rows();

}  // namespace holdfast::config
