#include "master/generation.h"

#include <utility>

#include "common/cpu_allowance.h"
#include "common/log.h"

namespace holdfast::master {
namespace {

Unpreparable unpreparable(const Error& error) {
  return {error.kind, error.system_code, {error.message()}};
}

void intern_names(const config::Config& config, stats::Segment& segment) {
  for (const config::Site& site : config.sites) segment.intern_site(site.name);
  for (const config::Listener& listener : config.listeners) segment.intern_listener(listener.name);
  segment.intern_listener("admin");
  segment.intern_site("admin");
}

Unpreparable problems_of(const config::Config& config, const config::Config* serving) {
  Unpreparable found;
  bool denied = true;
  for (const config::Problem& problem : config::check_environment(config)) {
    found.problems.push_back(problem.text());
    denied &= problem.denied;
  }
  if (const Result<void> whole = worker::sandbox_can_be_had(config); !whole) {
    found.problems.push_back(whole.error().message());
    denied = false;
  }
  if (denied) found.kind = ErrorKind::Permission;
  if (serving == nullptr) return found;
  for (const std::string& refused : plan_reload(*serving, config).refused)
    found.problems.push_back((config.file.empty() ? "" : config.file + ": ") + refused);
  return found;
}

}  // namespace

Prepared prepare_generation(std::shared_ptr<const config::Config> config, const config::Config* serving,
                            ListenerSet& listeners, stats::Segment& segment) {
  if (Unpreparable found = problems_of(*config, serving); !found.problems.empty()) return found;
  Result<std::unique_ptr<Generation>> generation = adopt_generation(std::move(config), segment);
  if (!generation) return unpreparable(generation.error());
  if (Result<void> bound = listeners.prepare((*generation)->needs); !bound) {
    Unpreparable why = unpreparable(bound.error());
    why.kind = ErrorKind::Unavailable;
    return why;
  }
  return std::move(*generation);
}

Result<std::unique_ptr<Generation>> adopt_generation(std::shared_ptr<const config::Config> config,
                                                     stats::Segment& segment) {
  Result<std::optional<Identity>> identity = resolve_identity(config->process);
  if (!identity) return identity.error();
  Result<LogFiles> logs = LogFiles::open(config->log);
  if (!logs) return logs.error();
  std::vector<EndpointNeed> needs = needs_of(*config);
  intern_names(*config, segment);
  return std::make_unique<Generation>(
      Generation{std::move(config), std::move(*logs), std::move(*identity), std::move(needs)});
}

void log_worker_count(const config::Config& config) {
  if (config.process.workers_auto)
    log().info("workers chosen", {{"workers", config.process.workers}, {"because", allowed_cpus().because}});
}

std::shared_ptr<const config::Config> with_workers(const config::Config& config, std::uint32_t workers) {
  auto changed = std::make_shared<config::Config>(config);
  changed->process.workers = workers;
  return changed;
}

std::vector<worker::ListeningSocket> sockets_for(const Generation& generation, std::uint32_t slot,
                                                 const ListenerSet& listeners) {
  std::vector<worker::ListeningSocket> sockets;
  const bool admin = slot == stats::kAdminSlot;
  // Listeners come first among the needs, in the order of the configuration.
  for (std::uint32_t index = 0; index < generation.needs.size(); ++index) {
    const EndpointNeed& need = generation.needs[index];
    if (need.admin != admin) continue;
    const std::uint32_t sharers = admin ? 1 : generation.config->process.workers;
    for (const int fd : listeners.sockets_of(need, admin ? 0 : slot, sharers))
      sockets.push_back({fd, admin ? 0 : index});
  }
  return sockets;
}

}  // namespace holdfast::master
