#include "worker/filters/cors.h"

#include <new>

#include "common/ascii.h"
#include "worker/http/exchange.h"

namespace holdfast::filters {

void Cors::apply(http::Exchange& exchange, http::Response& response) const {
  constexpr std::size_t kMostAdded = 4;
  const std::span<std::byte> room =
      exchange.allocate((response.fields.size() + kMostAdded) * sizeof(api::Field));
  auto* const first = reinterpret_cast<api::Field*>(room.data());
  api::Field* last = first;
  for (const api::Field& field : response.fields) new (last++) api::Field(field);
  const auto add = [&last](std::string_view name, std::string_view value) {
    new (last++) api::Field{name, value};
  };
  if (rules_.varies()) add("Vary", "Origin");
  const std::string_view origin = exchange.request().field("Origin").value_or(std::string_view());
  if (const std::string_view allowed = rules_.allowed_origin(origin); !origin.empty() && !allowed.empty()) {
    add("Access-Control-Allow-Origin", allowed);
    if (rules_.credentials()) add("Access-Control-Allow-Credentials", "true");
    if (!rules_.expose().empty()) add("Access-Control-Expose-Headers", rules_.expose());
  }
  response.fields = {first, last};
}

}  // namespace holdfast::filters
