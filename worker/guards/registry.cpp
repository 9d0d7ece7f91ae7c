#include "worker/guards/registry.h"

#include <utility>

#include "worker/guards/rate_limit.h"

namespace holdfast::guards {
namespace {

Result<http::GuardChain> make_chain(const config::Site& site, const config::Route& route, Shared& shared) {
  http::GuardChain chain;
  if (route.rate_limit && shared.limits != nullptr)
    chain.push_back(
        std::make_unique<RateLimit>(site, route, *shared.limits, *shared.stats, shared.rate_limit_lines));
  return chain;
}

}  // namespace

Result<http::GuardTable> make_guards(const config::Config& config, Shared& shared) {
  http::GuardTable table;
  for (const config::Site& site : config.sites) {
    std::vector<http::GuardChain>& chains = table.emplace_back();
    for (const config::Route& route : site.routes) {
      Result<http::GuardChain> chain = make_chain(site, route, shared);
      if (!chain) return chain.error();
      chains.push_back(std::move(*chain));
    }
  }
  return table;
}

}  // namespace holdfast::guards
