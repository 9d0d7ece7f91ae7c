#include "worker/guards/cors_preflight.h"

#include <array>

#include "worker/http/exchange.h"

namespace holdfast::guards {

// The fields about the origin are added to every answer by the filter (filters/cors).
http::Verdict CorsPreflight::admit(http::Exchange& exchange) const {
  const api::Request& request = exchange.request();
  if (!http::is_preflight(request)) return http::Verdict::Pass;
  std::array<api::Field, 4> fields;
  std::size_t count = 0;
  fields[count++] = {"Vary", "Access-Control-Request-Method, Access-Control-Request-Headers"};
  if (!rules_.allowed_origin(*request.field("Origin")).empty()) {
    fields[count++] = {"Access-Control-Allow-Methods", rules_.methods()};
    fields[count++] = {"Access-Control-Max-Age", rules_.max_age()};
    const std::string_view asked = request.field("Access-Control-Request-Headers").value_or(std::string_view());
    if (const std::string_view headers = rules_.headers(asked); !asked.empty() && !headers.empty())
      fields[count++] = {"Access-Control-Allow-Headers", headers};
  }
  exchange.respond({204, {fields.data(), count}}, api::Body::none());
  return http::Verdict::Answered;
}

}  // namespace holdfast::guards
