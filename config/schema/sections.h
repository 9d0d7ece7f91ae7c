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
/// Read from `off` it has 0 requests.
Kind<std::optional<RateLimit>> rate_limit_kind();
Kind<std::vector<Listener>> listeners_kind();
Kind<Site> site_kind();
Kind<Route> route_kind();

/// The rows of a route that are its actions, available or not.
std::vector<Field<Route, 0>> action_fields();

/// Checks of response fields that a configuration sets: not those that the core writes, nothing that could
/// split a head.
std::string check_response_header(std::string& name);
std::string check_header_value(std::string& value);

// Sections of features that are not built yet: known by name, refused when asked for.
Field<Config, 0> websocket_field();

}  // namespace holdfast::config
