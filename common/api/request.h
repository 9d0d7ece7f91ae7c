// A request as handlers see it: the same for every HTTP version. All views point into memory of the exchange
// and live until the exchange is destroyed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/ascii.h"

namespace holdfast::api {

enum class Method : std::uint8_t {
  Get,
  Head,
  Post,
  Put,
  Delete,
  Options,
  Patch,
  Trace,
  Connect,
  Other,
  kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Method::kCount)> kMethodTexts{
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "other"};

/// "GET" ... ; "other" for Method::Other, which is also how metrics name it.
constexpr std::string_view method_text(Method method) {
  return kMethodTexts[static_cast<std::size_t>(method)];
}
/// Case-sensitive, as methods are (RFC 9110 section 9.1); unknown ones are Method::Other.
constexpr Method method_from(std::string_view text) {
  for (std::size_t i = 0; i + 1 < kMethodTexts.size(); ++i)
    if (kMethodTexts[i] == text) return static_cast<Method>(i);
  return Method::Other;
}

enum class Version : std::uint8_t { Http10, Http11, Http2 };

struct Field {
  std::string_view name;   // as received; compare with ascii_iequals
  std::string_view value;  // without surrounding white space
};

struct Parameter {
  std::string_view name;
  std::string_view value;
};

/// What TLS has settled for a connection. Views live as long as the connection.
struct TlsFacts {
  std::string_view version;   // "TLSv1.3"
  std::string_view cipher;    // as OpenSSL names it: "TLS_AES_256_GCM_SHA384"
  std::string_view protocol;  // of ALPN: "h2"; empty: none
  /// What comes now may be a replay; false once the client has shown that it is there.
  bool early_data = false;
  std::string_view server_name;  // that the client asked for (SNI); empty: none
  std::string_view
      client_subject;  // of its verified certificate (RFC 4514, "CN=...,O=..."); empty: it has none
};

struct Request {
  Method method = Method::Get;
  Version version = Version::Http11;
  bool secure = false;            // arrived over TLS
  bool has_body = false;          // content may follow (its length may still turn out to be 0)
  bool encoded_slash = false;     // the target held %2F, which stays undecoded in `path`
  const TlsFacts* tls = nullptr;  // null: in clear
  std::string_view method_name;   // as received
  std::string_view protocol;      // that an extended CONNECT asks for (RFC 8441); else empty
  std::string_view target;        // request target as received
  std::string_view path;          // percent-decoded once, dot segments removed, starts with '/'
  std::string_view query;         // raw, without the '?'
  std::string_view host;          // Host or :authority, lower case is not applied, port removed
  std::optional<std::uint64_t> content_length;
  std::span<const Field> fields;          // in order of arrival
  std::span<const Parameter> parameters;  // {name} segments of the route's path, decoded

  /// The first field of that name (ASCII case-insensitive), or nullopt. A list-valued field can occur several
  /// times: walk `fields` then.
  std::optional<std::string_view> field(std::string_view name) const {
    for (const Field& field : fields)
      if (ascii_iequals(field.name, name)) return field.value;
    return std::nullopt;
  }
  /// The value of a path parameter; empty when the route has none of that name.
  std::string_view parameter(std::string_view name) const {
    for (const Parameter& parameter : parameters)
      if (parameter.name == name) return parameter.value;
    return {};
  }
};

}  // namespace holdfast::api
