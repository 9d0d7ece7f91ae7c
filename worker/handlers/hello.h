// The smallest answer there is: a constant JSON greeting, for first steps and for measuring the server without
// files.
#pragma once

#include "common/api/handler.h"

namespace holdfast::handlers {

class Hello final : public api::Handler {
 public:
  void handle(api::Exchange& exchange) override;
};

}  // namespace holdfast::handlers
