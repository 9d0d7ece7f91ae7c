// Routes whose handlers kill workers: blamed, fused, and let free again.
#include <algorithm>
#include <csignal>

#include "common/log.h"
#include "master/master.h"

namespace holdfast::master {
namespace {

/// A death that the handler in work has brought about, as opposed to one that came from outside.
bool is_of_its_own_doing(const stats::Death& death) {
  switch (static_cast<stats::ExitReason>(death.reason)) {
    case stats::ExitReason::Hung:
    case stats::ExitReason::Exit:
    case stats::ExitReason::Oom:
      return true;
    case stats::ExitReason::Signal:
      break;
    case stats::ExitReason::Drained:
    case stats::ExitReason::Quit:
    case stats::ExitReason::StartFailed:
    case stats::ExitReason::Killed:
    case stats::ExitReason::kCount:
      return false;
  }
  switch (death.number) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
      return true;
    default:
      return false;
  }
}

bool has_route(const config::Config& config, const RouteName& name) {
  return std::ranges::any_of(config.sites, [&name](const config::Site& site) {
    return site.name == name.site && std::ranges::any_of(site.routes, [&name](const config::Route& route) {
             return route.name == name.route;
           });
  });
}

}  // namespace

void Master::blame(const stats::Death& death, TimePoint now) {
  // The memory that the names come from was the dead worker's to write: only routes that there are count.
  const RouteName route{death.site, death.route};
  if (death.request.empty() || !is_of_its_own_doing(death) || death.generation != supervisor_->generation() ||
      !has_route(*serving_->config, route))
    return;
  if (fuse_.note_death(route, now)) blow(route, death);
}

void Master::blow(const RouteName& route, const stats::Death& death) {
  const std::uint16_t site = segment_->site_index(route.site);
  const std::uint16_t name = segment_->intern_route(route.route);
  const bool known = std::ranges::any_of(
      fused_, [&](const stats::FusedRoute& fused) { return fused.site == site && fused.route == name; });
  if (known) return;  // a request that had begun before
  if (fused_.size() == stats::kMostFused) {
    log().error("route not fused: too many are", {{"site", route.site}, {"route", route.route}});
    return;
  }
  fused_.push_back({site, name, death.at, death.generation, death.generation});
  stats_->show_fused(site, name, true);
  log().error("route fused: its requests have ended too many workers",
              {{"site", route.site},
               {"route", route.route},
               {"deaths", Fuse::kDeaths},
               {"within_s", Fuse::kWithin.count()},
               {"until", "a reload, or holdfast unfuse"}});
  tell_of_fuses();
}

void Master::tell_of_fuses() {
  stats::write_fuses(segment_->fuses(), fused_);
  for (const auto& [id, process] : processes_)
    if (process.slot != stats::kAdminSlot) tell(id, ControlKind::Fuses);
}

void Master::keep_fuses_for(std::uint64_t generation) {
  for (stats::FusedRoute& fused : fused_) fused.last_generation = generation;
  stats::write_fuses(segment_->fuses(), fused_);
}

std::size_t Master::unfuse() {
  fuse_.forget();
  const std::vector<stats::FusedRoute> former = std::exchange(fused_, {});
  if (former.empty()) return 0;
  for (const stats::FusedRoute& fused : former) {
    const auto site = static_cast<std::uint16_t>(fused.site);
    const auto route = static_cast<std::uint16_t>(fused.route);
    stats_->show_fused(site, route, false);
    log().info("route takes requests again",
               {{"site", segment_->site_name(site)}, {"route", segment_->route_name(route)}});
  }
  tell_of_fuses();
  return former.size();
}

}  // namespace holdfast::master
