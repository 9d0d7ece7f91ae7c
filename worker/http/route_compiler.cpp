#include <algorithm>
#include <set>

#include "common/api/request.h"
#include "worker/http/route_table.h"
#include "worker/http/router.h"

namespace holdfast::http {
namespace {

using api::Method;

constexpr MethodSet bit(Method method) {
  return MethodSet{1} << static_cast<unsigned>(method);
}
constexpr unsigned kKnownMethods = static_cast<unsigned>(Method::kCount);

// CONNECT has no path, and TRACE would show a client what intermediaries added: both only when a route names
// them.
constexpr MethodSet kAnyMethod =
    ((MethodSet{1} << kKnownMethods) - 1) & ~(bit(Method::Connect) | bit(Method::Trace));

class Compiler {
 public:
  explicit Compiler(const config::Config& config) : config_(config) {}

  RouteTables compile() {
    tables_.listeners.resize(config_.listeners.size());
    for (std::uint32_t site = 0; site < config_.sites.size(); ++site) {
      add_hosts(site);
      tables_.sites.push_back({new_node(), false});
      const auto& routes = config_.sites[site].routes;
      for (std::uint32_t route = 0; route < routes.size(); ++route) add_route(site, route, routes[route]);
    }
    write_allow_texts();
    return std::move(tables_);
  }

 private:
  void add_hosts(std::uint32_t site);
  void add_route(std::uint32_t site, std::uint32_t index, const config::Route& route);
  std::uint32_t place_of(std::uint32_t site, std::string_view path, std::vector<std::string>& names);
  std::uint32_t literal_child(std::uint32_t node, std::string_view segment);
  std::uint32_t parameter_child(std::uint32_t node);
  MethodSet methods_of(const config::Route& route);
  MethodSet named_method(const std::string& name);
  void write_allow_texts();
  std::string allow_text(MethodSet methods) const;

  std::uint32_t new_node() {
    tables_.nodes.emplace_back();
    return static_cast<std::uint32_t>(tables_.nodes.size() - 1);
  }
  std::uint32_t new_entry() {
    tables_.entries.emplace_back();
    return static_cast<std::uint32_t>(tables_.entries.size() - 1);
  }
  std::uint32_t entry_at(std::uint32_t& place) {
    if (place == kNoEntry) place = new_entry();
    return place;
  }

  const config::Config& config_;
  RouteTables tables_;
};

void Compiler::add_hosts(std::uint32_t site) {
  const config::Site& wanted = config_.sites[site];
  for (const std::uint32_t listener : wanted.listeners) {
    ListenerHosts& hosts = tables_.listeners.at(listener);
    if (wanted.hosts.empty() && !hosts.fallback) hosts.fallback = site;
    hosts.any_named |= !wanted.hosts.empty();
    for (const std::string& host : wanted.hosts) {
      if (host.starts_with("*.")) {
        const std::string_view suffix = std::string_view(host).substr(2);
        tables_.wildcards.insert(listener, suffix, site);
        hosts.longest_wildcard = std::max(hosts.longest_wildcard, label_count(suffix));
      } else {
        tables_.hosts.insert(listener, host, site);
      }
    }
  }
}

void Compiler::add_route(std::uint32_t site, std::uint32_t index, const config::Route& route) {
  CompiledRoute compiled;
  compiled.index = index;
  compiled.methods = methods_of(route);
  if (!route.match_headers.empty() || !route.match_query.empty())
    compiled.conditions.reset(new MatchConditions{route.match_headers, route.match_query});
  PathEntry& entry = tables_.entries[place_of(site, route.path, compiled.parameter_names)];
  entry.methods |= compiled.methods;
  entry.routes.push_back(std::move(compiled));
}

/// The entry of `path`, made when it is new; the names of its {name} segments go to `names`.
std::uint32_t Compiler::place_of(std::uint32_t site, std::string_view path, std::vector<std::string>& names) {
  const bool prefix = path.ends_with("/*");
  if (!prefix && path.find('{') == std::string_view::npos) {
    if (const auto known = tables_.exact.find(site, path)) return *known;
    return tables_.exact.insert(site, path, new_entry());
  }
  std::string_view rest = path.substr(std::min<std::size_t>(1, path.size()));
  std::uint32_t node = tables_.sites[site].root;
  while (!(prefix && rest == "*")) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool parameter = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    if (parameter) names.emplace_back(segment.substr(1, segment.size() - 2));
    node = parameter ? parameter_child(node) : literal_child(node, segment);
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (prefix) return entry_at(tables_.nodes[node].prefix);
  tables_.sites[site].has_parameters = true;
  return entry_at(tables_.nodes[node].end);
}

std::uint32_t Compiler::literal_child(std::uint32_t node, std::string_view segment) {
  if (const auto known = tables_.segments.find(node, segment)) return *known;
  tables_.nodes[node].has_literals = true;
  return tables_.segments.insert(node, segment, new_node());
}

std::uint32_t Compiler::parameter_child(std::uint32_t node) {
  if (tables_.nodes[node].parameter == kNoNode) {
    const std::uint32_t child = new_node();
    tables_.nodes[node].parameter = child;
  }
  return tables_.nodes[node].parameter;
}

MethodSet Compiler::methods_of(const config::Route& route) {
  MethodSet set = 0;
  for (const std::string& name : route.methods) set |= named_method(name);
  if (route.methods.empty()) {
    const std::span<const Method> supported = supported_methods(route.action);
    if (supported.empty()) return kAnyMethod;
    for (const Method method : supported) set |= bit(method);
  }
  if (set & bit(Method::Get)) set |= bit(Method::Head);
  return set;
}

MethodSet Compiler::named_method(const std::string& name) {
  const Method method = api::method_from(name);
  if (method != Method::Other) return bit(method);
  auto& further = tables_.further_methods;
  auto known = std::find(further.begin(), further.end(), name);
  if (known == further.end()) known = further.insert(known, name);
  const auto position = kKnownMethods + static_cast<unsigned>(known - further.begin());
  return position < 64 ? MethodSet{1} << position : 0;
}

// A 405 names the methods of every path that fits the target, so the texts of all unions of sets that occur are
// made here and none in find(). With the usual handful of sets that is a few lines; a configuration that makes
// a great many gets the widest text for the rest.
void Compiler::write_allow_texts() {
  constexpr std::size_t kMostTexts = 4096;
  std::set<MethodSet> own;
  for (const PathEntry& entry : tables_.entries)
    for (const CompiledRoute& route : entry.routes) own.insert(route.methods);
  std::set<MethodSet> unions;
  for (const MethodSet one : own) {
    std::set<MethodSet> next = unions;
    next.insert(one);
    for (const MethodSet other : unions) next.insert(one | other);
    if (next.size() > kMostTexts) break;
    unions = std::move(next);
  }
  for (const MethodSet methods : unions) tables_.allow_texts.emplace_back(methods, allow_text(methods));
  MethodSet widest = 0;
  for (const MethodSet methods : own) widest |= methods;
  tables_.allow_texts.emplace_back(~MethodSet{0}, allow_text(widest));
}

std::string Compiler::allow_text(MethodSet methods) const {
  std::string text;
  const auto add = [&text](std::string_view name) {
    if (!text.empty()) text += ", ";
    text += name;
  };
  methods |= bit(Method::Options);
  for (unsigned i = 0; i < kKnownMethods; ++i) {
    const auto method = static_cast<Method>(i);
    if (method != Method::Other && (methods & bit(method))) add(api::method_text(method));
  }
  for (std::size_t i = 0; i < tables_.further_methods.size() && kKnownMethods + i < 64; ++i)
    if (methods >> (kKnownMethods + i) & 1) add(tables_.further_methods[i]);
  return text;
}

}  // namespace

RouteTables compile_routes(const config::Config& config) {
  return Compiler(config).compile();
}

std::size_t label_count(std::string_view host) {
  return static_cast<std::size_t>(std::count(host.begin(), host.end(), '.')) + 1;
}

}  // namespace holdfast::http
