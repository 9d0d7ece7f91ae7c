// A WebSocket that sends each message back as it came: for tests, load balancers' checks and measurements. A
// client that does not read its echoes is not read from.
#pragma once

#include "common/api/handler.h"

namespace holdfast::handlers {

class WebSocketEcho final : public api::Handler {
 public:
  void handle(api::Exchange& exchange) override;
};

}  // namespace holdfast::handlers
