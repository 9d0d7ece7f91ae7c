#include "worker/guards/registry.h"

#include <utility>

#include "worker/guards/address_rules.h"
#include "worker/guards/basic_auth.h"
#include "worker/guards/cors_preflight.h"
#include "worker/guards/rate_limit.h"

namespace holdfast::guards {
namespace {

Result<http::GuardChain> make_chain(const config::Site& site, const config::Route& route, const Means& means) {
  const config::Policies& policies = route.policies;
  http::GuardChain chain;
  if (!policies.allow.empty() || !policies.deny.empty()) {
    Result<AddressSet> allow = AddressSet::of(policies.allow);
    if (!allow) return allow.error();
    Result<AddressSet> deny = AddressSet::of(policies.deny);
    if (!deny) return deny.error();
    chain.push_back(std::make_unique<AddressRules>(std::move(*allow), std::move(*deny)));
  }
  if (policies.cors.enabled) chain.push_back(std::make_unique<CorsPreflight>(policies.cors));
  if (policies.rate_limit.requests != 0 && means.limits != nullptr)
    chain.push_back(std::make_unique<RateLimit>(site, route, *means.limits, means.stats, *means.refusals));
  if (policies.basic_auth.enabled)
    chain.push_back(std::make_unique<BasicAuth>(policies.basic_auth, means.pool));
  return chain;
}

}  // namespace

Result<http::GuardTable> make_guards(const config::Config& config, const Means& means) {
  http::GuardTable table;
  for (const config::Site& site : config.sites) {
    std::vector<http::GuardChain>& chains = table.emplace_back();
    for (const config::Route& route : site.routes) {
      Result<http::GuardChain> chain = make_chain(site, route, means);
      if (!chain) return chain.error();
      chains.push_back(std::move(*chain));
    }
  }
  return table;
}

}  // namespace holdfast::guards
