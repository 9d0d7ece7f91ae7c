#include "config/cross_checks.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "common/ascii.h"

namespace holdfast::config {
namespace {

std::string where(const Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

/// Reports the second of two things with one identity and names the place of the first.
class Unique {
 public:
  explicit Unique(std::vector<Problem>& problems) : problems_(problems) {}

  /// Whether it is the first.
  bool add(const std::string& identity, const Place& place, const std::string& message) {
    const auto [first, is_new] = seen_.emplace(identity, place);
    if (!is_new) problems_.push_back({place, message + " (the other one: " + where(first->second) + ")"});
    return is_new;
  }

 private:
  std::vector<Problem>& problems_;
  std::unordered_map<std::string, Place> seen_;
};

void check_binds(const Config& config, std::vector<Problem>& problems) {
  Unique binds(problems);
  for (const Listener& listener : config.listeners) {
    const bool kernel_chooses = !listener.bind.is_unix() && listener.bind.port() == 0;
    if (listener.bind.length() == 0 || kernel_chooses) continue;
    const std::string address = listener.bind.text();
    binds.add(address, listener.place, "listener `" + listener.name + "`: another one is bound to " + address);
    if (config.admin.enabled && config.admin.bind == listener.bind)
      problems.push_back(
          {listener.place, "listener `" + listener.name + "`: " + address + " is the address of admin.bind"});
  }
}

void check_redirects(const Config& config, std::vector<Problem>& problems) {
  for (const Listener& listener : config.listeners)
    if (listener.https_redirect != 0 && listener.tls.enabled)
      problems.push_back(
          {listener.place, "listener `" + listener.name +
                               "`: https_redirect is for listeners without `tls`: this one would "
                               "send its clients round in a circle"});
}

/// Whether nobody else has one of the site's hosts on one of its listeners.
bool check_hosts(const Site& site, const Config& config, Unique& hosts) {
  bool alone = true;
  const std::set<std::uint32_t> listeners(site.listeners.begin(), site.listeners.end());
  for (const std::uint32_t listener : listeners) {
    if (listener >= config.listeners.size()) continue;  // a name that was refused, or none could be read
    const std::string on = " on listener `" + config.listeners[listener].name + "`";
    const std::string prefix = std::to_string(listener) + " ";
    if (site.hosts.empty())
      alone &= hosts.add(
          prefix, site.place,
          "another site without `hosts` is served" + on + ": give one of them its `hosts`, or take it out");
    for (const std::string& host : site.hosts)
      alone &= hosts.add(prefix + host, site.place, "the host `" + host + "` is served twice" + on);
  }
  return alone;
}

void check_site_identity(const Config& config, std::vector<Problem>& problems) {
  Unique names(problems);
  Unique hosts(problems);
  for (const Site& site : config.sites) {
    const bool alone = check_hosts(site, config, hosts);
    // A name that came of the hosts is told apart with them: to ask for another one would lead astray.
    if (!alone && site.name == (site.hosts.empty() ? "default" : site.hosts.front())) continue;
    names.add(site.name, site.place, "another site is named `" + site.name + "`: give one of them a `name`");
  }
}

/// {names} do not tell two patterns apart.
std::string pattern_of(const std::string& path) {
  std::string pattern;
  bool inside = false;
  for (const char c : path) {
    inside = (inside || c == '{') && c != '}';
    if (!inside) pattern += c;
  }
  return pattern;
}

std::string identity_of(const Route& route) {
  // A character that no part can contain keeps the parts apart.
  constexpr char kEnd = '\n';
  std::string identity = pattern_of(route.path) + kEnd;
  std::vector<std::string> methods = route.methods;
  std::sort(methods.begin(), methods.end());
  for (const std::string& method : methods) identity.append(method) += ' ';
  std::vector<std::string> matches;
  for (const auto& [name, value] : route.match_headers)
    matches.push_back("h" + ascii_lowered(name) + "=" + value);
  for (const auto& [name, value] : route.match_query) matches.push_back("q" + name + "=" + value);
  std::sort(matches.begin(), matches.end());
  for (const std::string& match : matches) identity.append(1, kEnd).append(match);
  return identity;
}

void check_routes(const Config& config, std::vector<Problem>& problems) {
  for (const Site& site : config.sites) {
    Unique routes(problems);
    for (const Route& route : site.routes)
      if (!route.path.empty())
        routes.add(
            identity_of(route), route.place,
            "another route of this site has the path `" + route.path + "` with the same methods and match");
  }
}

void check_respawn(const Config& config, std::vector<Problem>& problems) {
  if (config.process.respawn.initial_delay <= config.process.respawn.max_delay) return;
  for (const char* key : {"process.respawn.initial_delay", "process.respawn.max_delay"}) {
    const auto place = config.places.find(key);
    if (place == config.places.end()) continue;
    problems.push_back({place->second, "`initial_delay` must not be longer than `max_delay`"});
    return;
  }
}

void check_probes(const Config& config, std::vector<Problem>& problems) {
  for (const Probe& probe : config.process.probes) {
    const bool known = std::any_of(config.listeners.begin(), config.listeners.end(),
                                   [&probe](const Listener& l) { return l.name == probe.listener; });
    if (!known && !probe.listener.empty())
      problems.push_back({probe.place, "`process.probes`: there is no listener `" + probe.listener + "`"});
  }
  if (config.process.reload != ReloadMode::Trial || !config.process.probes.empty()) return;
  const auto place = config.places.find("process.reload");
  problems.push_back(
      {place == config.places.end() ? Place{config.file, 0, 0} : place->second,
       "`process.reload: trial` needs `process.probes`: what a worker on trial must answer, as in "
       "`[{path: /, status: 200}]`"});
}

bool is_guarded(const Route& route) {
  const Policies& policies = route.policies;
  return !policies.basic_auth.file.empty() || !policies.allow.empty() || !policies.deny.empty();
}

/// The path of a folder as it seems, which the route serves without what is below: "/private", "/private/".
bool is_folder_alone(const Route& route) {
  const std::string last = route.path.substr(route.path.rfind('/') + 1);
  return std::holds_alternative<FilesAction>(route.action) && route.path != "/" &&
         last.find_first_of("*{.") == std::string::npos;
}

/// The route of the site that serves files below `folder`, which ends in /; null: none.
const Route* route_below(const Site& site, const std::string& folder) {
  const Route* found = nullptr;
  for (const Route& route : site.routes) {
    if (!route.path.ends_with("/*") || !std::holds_alternative<FilesAction>(route.action)) continue;
    const std::string_view prefix = std::string_view(route.path).substr(0, route.path.size() - 1);
    const bool longer = found == nullptr || route.path.size() > found->path.size();
    if (folder.starts_with(prefix) && longer) found = &route;
  }
  return found;
}

}  // namespace

void warn_across(const Config& config, std::vector<Problem>& warnings) {
  for (const Site& site : config.sites)
    for (const Route& route : site.routes) {
      if (!is_guarded(route) || !is_folder_alone(route)) continue;
      const std::string folder = route.path.ends_with('/') ? route.path : route.path + "/";
      const Route* const below = route_below(site, folder);
      if (below == nullptr || is_guarded(*below)) continue;
      warnings.push_back({route.place, "who may ask is said for `" + route.path +
                                           "` alone: what is below it is served to everybody by the route `" +
                                           below->path + "`; write `" + folder + "*`"});
    }
}

void cross_check(const Config& config, std::vector<Problem>& problems) {
  check_binds(config, problems);
  check_redirects(config, problems);
  check_site_identity(config, problems);
  check_routes(config, problems);
  check_respawn(config, problems);
  check_probes(config, problems);
}

}  // namespace holdfast::config
