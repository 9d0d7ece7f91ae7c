// Answers requests of one route. Made once from the route's configuration in each worker, shared by all its
// exchanges.
#pragma once

#include "common/api/exchange.h"

namespace holdfast::api {

class Handler {
 public:
  virtual ~Handler() = default;
  /// Called when the head of a request is complete. Must not block: it answers, or attaches its state and
  /// answers later. An exception becomes a 500.
  virtual void handle(Exchange& exchange) = 0;
};

}  // namespace holdfast::api
