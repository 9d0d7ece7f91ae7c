// Sends the body of the request back while it arrives. A slow reader slows the sender down: what is in flight
// never exceeds one ring of 64 KiB.
#pragma once

#include "common/api/handler.h"

namespace holdfast::handlers {

class Echo final : public api::Handler {
 public:
  void handle(api::Exchange& exchange) override;
};

}  // namespace holdfast::handlers
