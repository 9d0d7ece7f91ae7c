#include "worker/http/router.h"

#include <algorithm>

#include "common/ascii.h"
#include "worker/http/route_table.h"

namespace holdfast::http {
namespace {

using api::Method;

constexpr Method kReadMethods[] = {Method::Get, Method::Head};
constexpr Method kGetMethod[] = {Method::Get};
constexpr Method kBodyMethods[] = {Method::Post, Method::Put};

/// One segment's worth of escapes undone while comparing, '+' as a space: the form that browsers give to
/// queries.
bool query_text_equals(std::string_view raw, std::string_view wanted) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < raw.size(); ++i, ++at) {
    char c = raw[i] == '+' ? ' ' : raw[i];
    if (c == '%' && i + 2 < raw.size() && hex_value(raw[i + 1]) >= 0 && hex_value(raw[i + 2]) >= 0) {
      c = static_cast<char>(hex_value(raw[i + 1]) * 16 + hex_value(raw[i + 2]));
      i += 2;
    }
    if (at >= wanted.size() || wanted[at] != c) return false;
  }
  return at == wanted.size();
}

bool query_has(std::string_view query, std::string_view name, std::string_view value) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view found = pair.substr(std::min(equals + 1, pair.size()));
    if (query_text_equals(pair.substr(0, equals), name) && query_text_equals(found, value)) return true;
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

bool has_field(const api::Request& request, std::string_view name, std::string_view value) {
  return std::any_of(request.fields.begin(), request.fields.end(), [&](const api::Field& field) {
    return ascii_iequals(field.name, name) && field.value == value;
  });
}

bool conditions_fit(const MatchConditions* conditions, const api::Request& request) {
  if (!conditions) return true;
  for (const auto& [name, value] : conditions->fields)
    if (!has_field(request, name, value)) return false;
  for (const auto& [name, value] : conditions->query)
    if (!query_has(request.query, name, value)) return false;
  return true;
}

MethodSet method_bit(const api::Request& request, const std::vector<std::string>& further) {
  constexpr auto kKnown = static_cast<unsigned>(Method::kCount);
  if (request.method != Method::Other) return MethodSet{1} << static_cast<unsigned>(request.method);
  MethodSet set = MethodSet{1} << static_cast<unsigned>(Method::Other);
  for (std::size_t i = 0; i < further.size() && kKnown + i < 64; ++i)
    if (further[i] == request.method_name) set |= MethodSet{1} << (kKnown + i);
  return set;
}

/// Looks through the entries of one site that fit a path, best first, until `visit(entry, values, count)` says
/// stop.
template <class Visit>
class PathWalk {
 public:
  PathWalk(const RouteTables& tables, Visit visit) : tables_(tables), visit_(std::move(visit)) {}

  void run(std::uint32_t site, std::string_view path) {
    if (path.empty() || path.front() != '/') return;
    if (const auto entry = tables_.exact.find(site, path))
      if (visit_(*entry, values_, 0)) return;
    const SiteTree& tree = tables_.sites[site];
    if (tree.has_parameters && walk_ends(tree.root, path.substr(1), 0)) return;
    walk_prefixes(tree.root, path.substr(1), 0);
  }

 private:
  /// Plain, so that a walk without parameters costs nothing to begin.
  struct Value {
    const char* data;
    std::size_t size;
  };
  using Values = std::array<Value, kMaxPathParameters>;

  struct Split {
    std::string_view segment;
    std::string_view rest;
    bool last;
  };
  static Split split(std::string_view path) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {path, {}, true};
    return {path.substr(0, slash), path.substr(slash + 1), false};
  }

  std::optional<std::uint32_t> literal(std::uint32_t node, std::string_view segment) const {
    if (!tables_.nodes[node].has_literals) return std::nullopt;
    return tables_.segments.find(node, segment);
  }
  std::uint32_t parameter(std::uint32_t node, std::string_view segment, std::size_t count) {
    if (segment.empty() || tables_.nodes[node].parameter == kNoNode) return kNoNode;
    if (count < kMaxPathParameters) values_[count] = {segment.data(), segment.size()};
    return tables_.nodes[node].parameter;
  }

  /// Paths that end exactly at the end of `path`, whose next segment is looked up below `node`.
  bool walk_ends(std::uint32_t node, std::string_view path, std::size_t count) {
    const Split next = split(path);
    if (const auto child = literal(node, next.segment))
      if (end_or_deeper(*child, next, count)) return true;
    const std::uint32_t child = parameter(node, next.segment, count);
    return child != kNoNode && end_or_deeper(child, next, count + 1);
  }
  bool end_or_deeper(std::uint32_t node, const Split& next, std::size_t count) {
    if (!next.last) return walk_ends(node, next.rest, count);
    const std::uint32_t entry = tables_.nodes[node].end;
    return entry != kNoEntry && visit_(entry, values_, count);
  }

  /// Prefixes of `path`, the deepest first.
  bool walk_prefixes(std::uint32_t node, std::string_view path, std::size_t count) {
    const Split next = split(path);
    if (!next.last) {
      if (const auto child = literal(node, next.segment))
        if (walk_prefixes(*child, next.rest, count)) return true;
      const std::uint32_t child = parameter(node, next.segment, count);
      if (child != kNoNode && walk_prefixes(child, next.rest, count + 1)) return true;
    }
    const std::uint32_t entry = tables_.nodes[node].prefix;
    return entry != kNoEntry && visit_(entry, values_, count);
  }

  const RouteTables& tables_;
  Visit visit_;
  Values values_;
};

std::optional<std::uint32_t> find_wildcard(const RouteTables& tables, std::uint32_t listener,
                                           std::string_view host) {
  const std::size_t longest = tables.listeners[listener].longest_wildcard;
  if (longest == 0) return std::nullopt;
  std::size_t labels = label_count(host);
  while (labels > 1) {
    host.remove_prefix(host.find('.') + 1);
    --labels;
    if (labels > longest) continue;
    if (const auto site = tables.wildcards.find(listener, host)) return site;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> find_named_site(const RouteTables& tables, std::uint32_t listener,
                                             std::string_view host) {
  if (const auto site = tables.hosts.find(listener, host)) return site;
  return find_wildcard(tables, listener, host);
}

std::optional<std::uint32_t> find_site(const RouteTables& tables, std::uint32_t listener,
                                       std::string_view host) {
  if (listener >= tables.listeners.size()) return std::nullopt;
  const ListenerHosts& known = tables.listeners[listener];
  std::array<char, 255> lowered;  // no host name is longer (RFC 1035 section 3.1)
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  if (known.any_named && !host.empty() && host.size() <= lowered.size()) {
    // Nearly every client sends lower case already.
    if (const auto site = tables.hosts.find(listener, host)) return site;
    std::transform(host.begin(), host.end(), lowered.begin(), ascii_lower);
    if (const auto site = find_named_site(tables, listener, {lowered.data(), host.size()})) return site;
  }
  return known.fallback;
}

std::string_view allow_of(const RouteTables& tables, MethodSet methods) {
  const auto& texts = tables.allow_texts;
  const auto found = std::lower_bound(texts.begin(), texts.end(), methods,
                                      [](const auto& text, MethodSet set) { return text.first < set; });
  return found != texts.end() && found->first == methods ? found->second : texts.back().second;
}

}  // namespace

struct Router::Tables : RouteTables {};

Router::Router(const config::Config& config) : tables_(new Tables{compile_routes(config)}) {}
Router::~Router() = default;

void Router::find(std::uint32_t listener, std::string_view host, const api::Request& request,
                  RouteMatch& match) const {
  match.outcome = RouteMatch::Outcome::NoSite;
  match.parameter_count = 0;
  const std::optional<std::uint32_t> site = find_site(*tables_, listener, host);
  if (!site) return;
  match.outcome = RouteMatch::Outcome::NoRoute;
  match.site = *site;
  const MethodSet wanted = method_bit(request, tables_->further_methods);
  MethodSet refused = 0;  // methods of routes that fit but for the method
  const auto visit = [&](std::uint32_t entry, const auto& values, std::size_t count) {
    for (const CompiledRoute& route : tables_->entries[entry].routes) {
      if (!conditions_fit(route.conditions.get(), request)) continue;
      refused |= route.methods;
      if (!(route.methods & wanted)) continue;
      match.outcome = RouteMatch::Outcome::Found;
      match.route = route.index;
      match.parameter_count = std::min({count, route.parameter_names.size(), kMaxPathParameters});
      for (std::size_t i = 0; i < match.parameter_count; ++i)
        match.parameters[i] = {route.parameter_names[i], {values[i].data, values[i].size}};
      return true;
    }
    // A path that is known is not looked for under a wider one, where another route would answer for it.
    return refused != 0;
  };
  PathWalk(*tables_, visit).run(*site, request.path);
  if (match.outcome == RouteMatch::Outcome::Found || refused == 0) return;
  match.outcome = RouteMatch::Outcome::NoMethod;
  match.allow = allow_of(*tables_, refused);
}

std::string_view Router::allow(std::uint32_t listener, std::string_view host, std::string_view path) const {
  const std::optional<std::uint32_t> site = find_site(*tables_, listener, host);
  if (!site) return {};
  MethodSet all = 0;
  const auto visit = [&](std::uint32_t entry, const auto&, std::size_t) {
    all |= tables_->entries[entry].methods;
    return all != 0;
  };
  PathWalk(*tables_, visit).run(*site, path);
  return all == 0 ? std::string_view() : allow_of(*tables_, all);
}

bool Router::knows_method(const api::Request& request) const {
  const auto& further = tables_->further_methods;
  return request.method != Method::Other ||
         std::find(further.begin(), further.end(), request.method_name) != further.end();
}

std::span<const api::Method> supported_methods(const config::Action& action) {
  struct Visitor {
    using Methods = std::span<const Method>;
    Methods operator()(const config::FilesAction&) const { return kReadMethods; }
    Methods operator()(const config::RedirectAction&) const { return {}; }
    Methods operator()(const config::RespondAction&) const { return {}; }
    Methods operator()(const config::EchoAction&) const { return kBodyMethods; }
    Methods operator()(const config::HelloAction&) const { return kReadMethods; }
    Methods operator()(const config::StatusAction&) const { return kReadMethods; }
    Methods operator()(const config::MetricsAction&) const { return kReadMethods; }
    Methods operator()(const config::HealthAction&) const { return kReadMethods; }
    Methods operator()(const config::ReadyAction&) const { return kReadMethods; }
    Methods operator()(const config::EventsAction&) const { return kGetMethod; }
    Methods operator()(const config::ModuleAction&) const { return {}; }
    Methods operator()(const config::WebSocketEchoAction&) const { return kGetMethod; }
    Methods operator()(const config::ChatAction&) const { return kReadMethods; }
  };
  return std::visit(Visitor{}, action);
}

}  // namespace holdfast::http
