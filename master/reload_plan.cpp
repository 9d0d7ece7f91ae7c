#include "master/reload_plan.h"

#include <algorithm>

#include "config/changes.h"

namespace holdfast::master {
namespace {

bool binds(const std::vector<EndpointNeed>& needs, const EndpointNeed& need) {
  return std::any_of(needs.begin(), needs.end(), [&need](const EndpointNeed& n) { return n.same_place(need); });
}

}  // namespace

bool EndpointNeed::same_place(const EndpointNeed& other) const {
  const bool has_address = bind.is_unix() || bind.port() != 0;
  return bind == other.bind && (has_address || name == other.name);
}

std::vector<EndpointNeed> needs_of(const config::Config& config) {
  std::vector<EndpointNeed> needs;
  for (const config::Listener& listener : config.listeners)
    needs.push_back(
        {listener.name, listener.bind, false, listener.bind.is_unix() ? 1 : config.process.workers});
  if (config.admin.enabled) needs.push_back({"admin", config.admin.bind, true, 1});
  return needs;
}

ReloadPlan plan_reload(const config::Config& serving, const config::Config& next) {
  ReloadPlan plan;
  for (const std::string& setting : config::changes_needing_restart(serving, next))
    plan.refused.push_back(setting + " cannot change while the server runs: restart it");
  const std::vector<EndpointNeed> before = needs_of(serving);
  const std::vector<EndpointNeed> after = needs_of(next);
  for (const EndpointNeed& need : after) (binds(before, need) ? plan.keep : plan.bind).push_back(need);
  for (const EndpointNeed& need : before)
    if (!binds(after, need)) plan.drop.push_back(need);
  plan.workers_before = serving.process.workers;
  plan.workers_after = next.process.workers;
  return plan;
}

}  // namespace holdfast::master
