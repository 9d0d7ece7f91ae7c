#include "worker/handlers/hello.h"

namespace holdfast::handlers {
namespace {

constexpr api::Field kFields[] = {{"Content-Type", "application/json"}};
constexpr std::string_view kFieldsText = "Content-Type: application/json\r\n";
constexpr std::string_view kGreeting = "{\"message\":\"Hello from holdfast\"}\n";

}  // namespace

void Hello::handle(api::Exchange& exchange) {
  exchange.respond({.status = 200, .fields = kFields, .text = kFieldsText}, api::Body::copy(kGreeting));
}

}  // namespace holdfast::handlers
