// What an exchange leaves in the access log: one line a request. Control bytes, quotes and backslashes are
// escaped as \xHH: nobody can forge a line.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "common/api/request.h"
#include "common/clock.h"
#include "common/result.h"

namespace holdfast::http {

/// Views alive for the call.
struct AccessEntry {
  std::string_view client_ip;
  std::string_view user;            // of basic_auth; empty: none
  std::string_view client_subject;  // of the client's certificate; empty: none
  std::string_view tls_version;     // empty: in clear
  std::string_view method;
  std::string_view target;  // as received
  std::string_view host;
  api::Version version = api::Version::Http11;
  std::uint16_t status = 0;
  std::uint64_t body_bytes_sent = 0;  // combined log's size: body without head
  std::uint64_t bytes_sent = 0;       // head and body
  std::uint64_t bytes_received = 0;
  Duration duration{};
  std::string_view user_agent;
  std::string_view referer;
  std::string_view request_id;
  std::string_view trace_id;  // of a traceparent field
  std::string_view site;
  std::string_view route;
  std::uint32_t worker = 0;
  std::uint64_t connection = 0;
  bool complete = true;  // false: the client left before the answer was whole
};

class AccessFormat;  // a compiled format
struct DeleteAccessFormat {
  void operator()(AccessFormat* format) const noexcept;
};
using AccessFormatHandle = std::unique_ptr<AccessFormat, DeleteAccessFormat>;

/// "combined", "common", "json", "terse" (time status method target duration, for a terminal), or a template
/// with {client_ip} {time} {method} {target} {protocol} {status} {bytes_sent} {duration} {user_agent} {referer}
/// {host} {site} {route} {worker} ... ; {{ and }} are literal braces. Unknown names are an error that lists the
/// known ones.
Result<AccessFormatHandle> compile_access_format(std::string_view format);
void append_access_line(std::string& out, const AccessFormat& format, const AccessEntry& entry,
                        std::time_t wall_seconds, std::uint32_t wall_milliseconds);

}  // namespace holdfast::http
