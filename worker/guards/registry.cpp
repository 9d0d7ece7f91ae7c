#include "worker/guards/registry.h"

#include <utility>

namespace holdfast::guards {
namespace {

Result<http::GuardChain> make_chain(const config::Route& /*route*/) {
  return http::GuardChain{};
}

}  // namespace

Result<http::GuardTable> make_guards(const config::Config& config) {
  http::GuardTable table;
  for (const config::Site& site : config.sites) {
    std::vector<http::GuardChain>& chains = table.emplace_back();
    for (const config::Route& route : site.routes) {
      Result<http::GuardChain> chain = make_chain(route);
      if (!chain) return chain.error();
      chains.push_back(std::move(*chain));
    }
  }
  return table;
}

}  // namespace holdfast::guards
