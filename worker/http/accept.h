// What a client prefers, from its Accept field (RFC 9110 section 12.5.1). Pure; allocates nothing.
#pragma once

#include <string_view>

namespace holdfast::http {

/// Quality in thousandths, 0 to 1000, that `accept` gives the media type "type/subtype": the most specific
/// range that matches decides. An empty field accepts everything (1000).
int accept_quality(std::string_view accept, std::string_view media_type);

/// True when application/json is wanted more than text/html.
inline bool prefers_json(std::string_view accept) {
  return !accept.empty() && accept_quality(accept, "application/json") > accept_quality(accept, "text/html");
}

/// The quality among an element's parameters ("q=0.5;x=y"), in thousandths; 1000 when there is none.
int quality_of_parameters(std::string_view parameters);

/// The value of a "q" parameter in thousandths: "0.5" -> 500; 1000 when malformed or above 1.
int parse_quality(std::string_view text);

}  // namespace holdfast::http
