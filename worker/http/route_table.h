// The parts a router is compiled into: routes with what they ask of a request, the entries (all routes of one
// path), and per listener the way from a host to its site. Built by route_compiler, read by router; data only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "worker/http/scoped_table.h"

namespace holdfast::http {

/// A bit for each api::Method, and behind them one for each further method that a configuration names.
using MethodSet = std::uint64_t;

/// What a route's `match` asks for: all must be there with this value.
struct MatchConditions {
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, std::string>> query;
};

struct CompiledRoute {
  std::uint32_t index = 0;  // in Site::routes
  MethodSet methods = 0;
  std::unique_ptr<const MatchConditions> conditions;  // null: none
  std::vector<std::string> parameter_names;           // in the order of the path
};

/// All routes of one path, in the order of the file.
struct PathEntry {
  std::vector<CompiledRoute> routes;
  MethodSet methods = 0;
};

inline constexpr std::uint32_t kNoEntry = UINT32_MAX;
inline constexpr std::uint32_t kNoNode = UINT32_MAX;

/// A place in a site's tree of path segments. Literal children are in RouteTables::segments under the node's
/// number.
struct SegmentNode {
  std::uint32_t end = kNoEntry;       // paths with {name} that end here
  std::uint32_t prefix = kNoEntry;    // "/*" behind this segment
  std::uint32_t parameter = kNoNode;  // the {name} child
  bool has_literals = false;
};

struct SiteTree {
  std::uint32_t root = kNoNode;
  bool has_parameters = false;  // some path ends in the tree: the walk for {name} paths is worth it
};

struct ListenerHosts {
  std::optional<std::uint32_t> fallback;  // the site that takes any host
  bool any_named = false;                 // some site of the listener names hosts
  std::size_t longest_wildcard = 0;       // labels in it; 0: none
};

struct RouteTables {
  ScopedTable hosts;      // (listener, host) -> site
  ScopedTable wildcards;  // (listener, "example.org" of "*.example.org") -> site
  std::vector<ListenerHosts> listeners;

  ScopedTable exact;     // (site, path) -> entry
  ScopedTable segments;  // (node, segment) -> node
  std::vector<SiteTree> sites;
  std::vector<SegmentNode> nodes;
  std::vector<PathEntry> entries;

  std::vector<std::string> further_methods;                    // names of the bits behind api::Method
  std::vector<std::pair<MethodSet, std::string>> allow_texts;  // sorted by set
};

RouteTables compile_routes(const config::Config& config);

/// Number of dots in a host, plus one.
std::size_t label_count(std::string_view host);

}  // namespace holdfast::http
