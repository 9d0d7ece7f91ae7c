#include "worker/upstream/request_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/ascii.h"
#include "worker/http/head_lines.h"

namespace holdfast::upstream {
namespace {

// RFC 9110 section 7.6.1, and what says where the content ends.
constexpr std::array<std::string_view, 10> kConnectionFields{
    "connection", "content-length", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade", "te",
    "trailer",    "expect",         "http2-settings"};

Error wrong(std::string text) {
  return {ErrorKind::Configuration, 0, std::move(text)};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "`";
  for (const char c : text.substr(0, kMost)) out += c >= ' ' && c < 0x7f ? c : '?';
  return out + "`";
}

Result<void> check_field(const api::Field& field) {
  if (!is_token(field.name)) return wrong("the field name " + quoted(field.name) + " must be a token");
  if (!http::is_field_value(field.value))
    return wrong("the field " + quoted(field.name) + " must not hold control bytes");
  if (std::ranges::any_of(kConnectionFields,
                          [&](std::string_view own) { return ascii_iequals(field.name, own); }))
    return wrong("the field " + quoted(field.name) + " belongs to the connection: leave it out");
  return {};
}

bool expects_content(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void add_field(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Result<std::string> request_text(const api::OutgoingRequest& request, const Url& url) {
  if (!is_token(request.method)) return wrong("the method " + quoted(request.method) + " must be a token");
  if (request.method == "CONNECT") return wrong("the method CONNECT cannot be sent: no tunnels are made");
  std::string text;
  text.append(request.method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
  int hosts = 0;
  bool agent = false;
  for (const api::Field& field : request.fields) {
    if (Result<void> checked = check_field(field); !checked) return checked.error();
    if (ascii_iequals(field.name, "host") && ++hosts > 1) return wrong("the field `Host` must be given once");
    agent = agent || ascii_iequals(field.name, "user-agent");
  }
  // RFC 9110 section 7.2: first, as it is what the request is about.
  if (hosts == 0) add_field(text, "Host", url.authority);
  for (const api::Field& field : request.fields) add_field(text, field.name, field.value);
  if (!agent) add_field(text, "User-Agent", "holdfast/" HOLDFAST_VERSION);
  // RFC 9110 section 8.6.
  if (!request.body.empty() || expects_content(request.method))
    add_field(text, "Content-Length", std::to_string(request.body.size()));
  return text += "\r\n";
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PUT" ||
         method == "DELETE";
}

}  // namespace holdfast::upstream
