#include "worker/handlers/redirect.h"

#include <algorithm>
#include <array>

#include "worker/http/error_page.h"

namespace holdfast::handlers {

Redirect::Redirect(const config::RedirectAction& action)
    : to_(action.to),
      status_(action.status),
      query_at_(std::min(to_.find('#'), to_.size())),
      takes_query_(to_.substr(0, query_at_).find('?') == std::string::npos) {}

std::string_view Redirect::location(api::Exchange& exchange) const {
  const std::string_view query = exchange.request().query;
  if (!takes_query_ || query.empty()) return to_;
  const std::string_view to(to_);
  const std::span<std::byte> room = exchange.allocate(to.size() + 1 + query.size());
  char* const text = reinterpret_cast<char*>(room.data());
  char* at = std::copy_n(to.data(), query_at_, text);
  *at++ = '?';
  at = std::copy(query.begin(), query.end(), at);
  at = std::copy(to.begin() + static_cast<std::ptrdiff_t>(query_at_), to.end(), at);
  return {text, static_cast<std::size_t>(at - text)};
}

void Redirect::handle(api::Exchange& exchange) {
  const std::string_view accept = exchange.request().field("Accept").value_or(std::string_view());
  const http::ErrorPage page = http::error_page(status_, accept);
  const std::array<api::Field, 3> fields{
      {{"Location", location(exchange)}, {"Content-Type", page.content_type}, {"Vary", "Accept"}}};
  exchange.respond({status_, fields}, api::Body::copy(page.body));
}

}  // namespace holdfast::handlers
