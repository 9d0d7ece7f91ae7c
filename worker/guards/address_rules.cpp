#include "worker/guards/address_rules.h"

#include "worker/http/exchange.h"

namespace holdfast::guards {

http::Verdict AddressRules::admit(http::Exchange& exchange) const {
  const std::string_view peer = exchange.peer_address();
  const bool allowed = (allow_.empty() || allow_.contains(peer)) && !deny_.contains(peer);
  if (allowed) return http::Verdict::Pass;
  exchange.fail(403);
  return http::Verdict::Answered;
}

}  // namespace holdfast::guards
