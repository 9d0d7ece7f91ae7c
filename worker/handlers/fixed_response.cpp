#include "worker/handlers/fixed_response.h"

#include <algorithm>

#include "common/api/status.h"
#include "common/ascii.h"
#include "worker/http/field_rules.h"

namespace holdfast::handlers {
namespace {

/// Small bodies are cheaper to copy next to the head than to send as a piece of their own.
constexpr std::size_t kCopyLimit = 4096;

/// The body belongs to the handler, which outlives every exchange.
class HandlerOwned final : public api::BodyOwner {
 public:
  void release() noexcept override {}
};
HandlerOwned handler_owned;

}  // namespace

FixedResponse::FixedResponse(const config::RespondAction& action)
    : status_(action.status), body_(action.body), headers_(action.headers) {
  for (const auto& [name, value] : headers_) fields_.push_back({name, value});
  const bool typed = std::any_of(fields_.begin(), fields_.end(), [](const api::Field& field) {
    return ascii_iequals(field.name, "Content-Type");
  });
  if (!typed && !body_.empty() && api::status_has_body(status_))
    fields_.push_back({"Content-Type", "text/plain; charset=utf-8"});
  text_ = http::fields_text(fields_);
}

void FixedResponse::handle(api::Exchange& exchange) {
  const api::ResponseHead head{.status = status_, .fields = fields_, .text = text_};
  if (body_.size() <= kCopyLimit) return exchange.respond(head, api::Body::copy(body_));
  exchange.respond(head, api::Body::held(body_, api::BodyHold(&handler_owned)));
}

}  // namespace holdfast::handlers
