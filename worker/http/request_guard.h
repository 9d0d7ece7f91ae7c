// What stands between the router and a route's handler: whether this client may make this request at all. The
// guards of a route are made once from its configuration and stand in the order in which they are asked; they
// keep nothing of an exchange in themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace holdfast::http {

class Exchange;

enum class Verdict : std::uint8_t {
  Pass,      // the next guard, or the handler, takes it
  Answered,  // the guard has answered: a refusal, or what needs no handler
  Later      // the guard has attached its state, and calls exchange.admitted() or answers when it knows
};

class RequestGuard {
 public:
  virtual ~RequestGuard() = default;
  /// Must not block. Nothing of the request body has been asked for yet. An exception becomes a 500.
  virtual Verdict admit(Exchange& exchange) const = 0;
};

using GuardChain = std::vector<std::unique_ptr<RequestGuard>>;
using Guards = std::span<const std::unique_ptr<RequestGuard>>;
/// One chain a route, in the order of the configuration's sites and their routes.
using GuardTable = std::vector<std::vector<GuardChain>>;

}  // namespace holdfast::http
