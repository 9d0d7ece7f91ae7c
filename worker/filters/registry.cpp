#include "worker/filters/registry.h"

#include "worker/filters/compress.h"
#include "worker/filters/cors.h"
#include "worker/filters/header_edit.h"

namespace holdfast::filters {
namespace {

void add_edits(http::FilterChain& chain, const config::HeaderEdits& edits) {
  if (!edits.set.empty() || !edits.remove.empty()) chain.push_back(std::make_unique<HeaderEdit>(edits));
}

// What the configuration says about fields has the last word.
http::FilterChain make_chain(const config::Site& site, const config::Route& route, EncoderPool& pool,
                             stats::WorkerStats& stats) {
  http::FilterChain chain;
  if (route.compression.enabled)
    chain.push_back(std::make_unique<Compress>(route.compression, Compress::Means{pool, stats}));
  if (route.policies.cors.enabled) chain.push_back(std::make_unique<Cors>(route.policies.cors));
  add_edits(chain, site.headers);
  add_edits(chain, route.headers);
  return chain;
}

}  // namespace

http::FilterTable make_filters(const config::Config& config, EncoderPool& pool, stats::WorkerStats& stats) {
  http::FilterTable table;
  for (const config::Site& site : config.sites) {
    std::vector<http::FilterChain>& chains = table.emplace_back();
    for (const config::Route& route : site.routes) chains.push_back(make_chain(site, route, pool, stats));
    add_edits(chains.emplace_back(), site.headers);
  }
  return table;
}

}  // namespace holdfast::filters
