// Trailers in both directions, for tests: answers with the body that came, followed by its length and by the
// trailers of the request.
#include <holdfast/awaits.h>
#include <holdfast/module.h>

#include <string>

namespace api = holdfast::api;

namespace {

class Digest final : public api::CoroutineHandler {
 public:
  explicit Digest(api::Setup& /*setup*/) {}

  api::Task<> serve(api::Exchange& exchange) override {
    const std::string body = co_await api::whole_body(exchange, 100'000);
    const api::Field announced{"Trailer", "X-Length, X-Echo"};
    api::ResponseWriter writer(exchange, {200, {&announced, 1}});
    if (!body.empty()) co_await writer.write(body);
    exchange.add_trailer("X-Length", std::to_string(body.size()));
    std::string all;
    for (const api::Field& field : exchange.request_trailers())
      all.append(field.name).append("=").append(field.value).append(";");
    exchange.add_trailer("X-Echo", all);
    exchange.add_trailer("Content-Type", "text/wrong");
    writer.end();
  }
};

}  // namespace

HOLDFAST_MODULE(Digest, {})
