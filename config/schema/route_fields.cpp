#include <algorithm>
#include <array>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kMostParameters = 8;

bool is_parameter_name(std::string_view name) {
  if (name.empty() || is_ascii_digit(name.front())) return false;
  for (const char c : name)
    if (c != '_' && !is_ascii_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) return false;
  return true;
}

std::string check_segment(std::string_view segment, bool last, std::vector<std::string_view>& parameters) {
  if (segment == "." || segment == "..") return "must not contain the segments . and ..";
  if (segment == "*") return last ? "" : "may have `*` only at its end";
  if (segment.find('*') != std::string_view::npos) return "may have `*` only as its whole last segment (`/*`)";
  if (segment.find_first_of("{}") == std::string_view::npos) return "";
  if (!segment.starts_with('{') || !segment.ends_with('}') ||
      !is_parameter_name(segment.substr(1, segment.size() - 2)))
    return "must have a {name} of letters, digits and _ as a whole segment";
  const std::string_view name = segment.substr(1, segment.size() - 2);
  if (std::find(parameters.begin(), parameters.end(), name) != parameters.end())
    return "must not use {" + std::string(name) + "} twice";
  parameters.push_back(name);
  return "";
}

std::string check_route_path(std::string& path) {
  if (!path.starts_with('/')) return "must begin with /";
  for (const char c : path)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '?' || c == '#' || c == '\\')
      return "must be a path without spaces, backslashes, ? and #";
  for (std::size_t at = path.find('%'); at != std::string::npos; at = path.find('%', at + 1))
    if (at + 2 < path.size() && hex_value(path[at + 1]) >= 0 && hex_value(path[at + 2]) >= 0)
      return "must be written decoded, without %XX";
  std::vector<std::string_view> parameters;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = std::string_view(path).substr(at, slash - at);
    std::string requirement = check_segment(segment, slash == path.size(), parameters);
    if (!requirement.empty()) return requirement;
    at = slash + 1;
  }
  return parameters.size() <= kMostParameters ? "" : "must have at most 8 parameters";
}

std::string check_header_name(std::string& name) {
  return is_token(name) ? "" : "is no header name";
}
std::string check_query_name(std::string& name) {
  return name.empty() ? "is no parameter name" : "";
}
std::string check_any(std::string&) {
  return "";
}

const Rows<Route>& match_rows() {
  // Rows of one group of a route's members; route_rows counts them.
  static const Rows<Route> rows = [] {
    Rows<Route> made;
    made.push_back(field("headers", &Route::match_headers,
                         pairs("map of header names to values", check_header_name, check_any), "",
                         Takes::NewWorkers, "Header fields a request must have, each with exactly this value.")
                       .example("{X-Beta: \"1\"}"));
    made.push_back(
        field("query", &Route::match_query, pairs("map of parameters to values", check_query_name, check_any),
              "", Takes::NewWorkers, "Query parameters a request must have, each with exactly this value.")
            .example("{version: \"2\"}"));
    return made;
  }();
  return rows;
}

/// A row of the policies in a route: absent, it is the site's, with which the route began.
Row<Route> policy_row(const Row<Policies>& row, std::uint32_t bit) {
  Row<Route> own;
  own.info = row.info;
  own.info.fallback = {};
  own.info.noun += "; absent: that of the site";
  own.read = [&row, bit](Reader& reader, const Entry* written, Route& route) {
    if (written == nullptr) return;
    route.own_policies |= bit;
    row.read(reader, written, route.policies);
  };
  own.write = [&row, bit](const Route& route, const Config& config) -> std::optional<Node> {
    if ((route.own_policies & bit) == 0) return std::nullopt;
    return row.write(route.policies, config);
  };
  return own;
}

bool same_value(const Node& a, const Node& b) {
  return a.text == b.text &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_value);
}

/// A section of limits or timeouts in which a route may set what still matters once the route is known; the
/// rest is taken from the wider section.
template <class T>
Field<Route, 1> override_of(std::string_view key, T Route::*member, T Config::*wide, const Rows<T>& rows,
                            std::string_view help) {
  Rows<T> own;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(own),
               [](const Row<T>& row) { return row.info.per_route; });
  for (Row<T>& row : own) row.info.fallback = {};
  Field<Route, 1> result;
  result.info.key = key;
  result.info.help = help;
  result.info.noun = "section; absent keys are those of the wider `" + std::string(key) + "`";
  result.info.schema = schema_of(infos_of(own));
  result.info.children = infos_of(own);
  result.read = [&rows, own, member, wide](Reader& reader, const Entry* written, Route& route) {
    route.*member = reader.config().*wide;
    if (written == nullptr || !check_section(reader, written->value)) return;
    for (const Entry& entry : written->value.entries) {
      const auto same_key = [&](const Row<T>& row) { return row.info.key == entry.key; };
      const Reader::Step step(reader, entry.key);
      if (const auto row = std::find_if(own.begin(), own.end(), same_key); row != own.end()) {
        row->read(reader, &entry, route.*member);
      } else if (std::any_of(rows.begin(), rows.end(), same_key)) {
        reader.problem(entry.mark,
                       "`" + entry.key + "` cannot be set for a route: it matters before the route is known");
      } else {
        report_unknown_key(reader, entry, keys_of(own));
      }
    }
  };
  result.write = [own, member, wide](const Route& route, const Config& config) -> std::optional<Node> {
    std::vector<Entry> entries;
    for (const Row<T>& row : own) {
      std::optional<Node> here = row.write(route.*member, config);
      const std::optional<Node> there = row.write(config.*wide, config);
      if (here && there && !same_value(*here, *there)) entries.push_back(entry(row.info.key, std::move(*here)));
    }
    if (entries.empty()) return std::nullopt;
    return mapping(std::move(entries));
  };
  return result;
}

Field<Route, 2> match_field() {
  const Kind<Route> kind = section(match_rows());
  return whole<Route, 2>(
      "match", kind, "", Takes::NewWorkers,
      "What else a request must have for this route; among routes of one path the first that fits is "
      "taken. Use it to send some clients elsewhere.");
}

const Rows<Route>& route_rows() {
  static const Rows<Route> rows = [] {
    Rows<Route> made = make_rows<Route, /*action, policies, own_policies, place*/ 4>(
        field("path", &Route::path, text("path", check_route_path), "", Takes::NewWorkers,
              "Path of the route: exact (`/about`), with parameters for whole segments (`/greet/{name}`), or "
              "everything "
              "below (`/images/*`).")
            .required()
            .example("/images/*"),
        field("name", &Route::name, label(), "", Takes::NewWorkers,
              "Label of the route in logs and metrics; default is its path.")
            .example("images"),
        field("methods", &Route::methods, list_of(text("method", check_method)), "", Takes::NewWorkers,
              "Methods the route takes (HEAD comes with GET); others get 405. Absent: all that the action can "
              "serve.")
            .example("[GET, POST]"),
        match_field(),
        override_of("limits", &Route::limits, &Config::limits, limits_rows(), "Limits of this route alone."),
        override_of("timeouts", &Route::timeouts, &Config::timeouts, timeouts_rows(),
                    "Timeouts of this route alone."),
        override_of("websocket", &Route::websocket, &Config::websocket, websocket_rows(),
                    "WebSocket connections of this route alone."),
        override_of("compression", &Route::compression, &Config::compression, compression_rows(),
                    "Compression of this route alone."),
        field("headers", &Route::headers, section(header_edits_rows()), "", Takes::NewWorkers,
              "Changes to the header fields of this route's responses, on top of the site's. Use it for "
              "caching and downloads."),
        field("sandbox", &Route::sandbox, section(sandbox_wishes_rows()), "", Takes::NewWorkers,
              "What the route needs beyond what `process.sandbox` leaves to workers, for handlers of modules "
              "most of all. A worker serves all routes: what one of them is given, all of them have."));
    std::uint32_t bit = 1;
    for (const Row<Policies>& row : policies_rows()) {
      made.push_back(policy_row(row, bit));
      bit <<= 1;
    }
    for (Field<Route, 0>& action : action_fields()) made.push_back(std::move(action));
    return made;
  }();
  return rows;
}

std::vector<std::string_view> action_names(bool only_available) {
  std::vector<std::string_view> names;
  for (const Field<Route, 0>& action : action_fields())
    if (action.info.available || !only_available) names.push_back(action.info.key);
  return names;
}

/// Exactly one action a route. An unknown key may well have been meant as one and is reported by itself.
void check_action(Reader& reader, const Node& node) {
  static const std::vector<std::string_view> known = action_names(false);
  std::vector<const Entry*> found;
  bool all_known = true;
  for (const Entry& written : node.entries) {
    if (std::find(known.begin(), known.end(), written.key) != known.end()) found.push_back(&written);
    all_known = all_known && std::any_of(route_rows().begin(), route_rows().end(),
                                         [&](const Row<Route>& row) { return row.info.key == written.key; });
  }
  if (found.empty() && all_known)
    reader.problem(node.mark,
                   "the route has no action: give it one of " + join_words(action_names(true), "and"));
  if (found.size() < 2) return;
  std::vector<std::string_view> names;
  for (const Entry* written : found) names.push_back(written->key);
  reader.problem(found[1]->mark, "the route has more than one action: " + join_words(names, "and"));
}

}  // namespace

std::string check_method(std::string& method) {
  constexpr std::array<std::string_view, 8> kKnown{"GET",    "HEAD",    "POST",  "PUT",
                                                   "DELETE", "OPTIONS", "PATCH", "TRACE"};
  if (!is_token(method)) return "must hold method names";
  for (const std::string_view known : kKnown)
    if (method != known && ascii_iequals(method, known))
      return "must be in capitals (" + std::string(known) + ")";
  if (method == "CONNECT") return "must not hold CONNECT: holdfast is no forward proxy";
  return "";
}

Kind<Route> route_kind() {
  Kind<Route> kind = section(route_rows());
  kind.read = [read = kind.read](Reader& reader, const Node& node, Route& route) {
    route.policies = reader.site_policies();
    const bool good = read(reader, node, route);
    route.place = reader.place(node.mark);
    if (route.name.empty()) route.name = route.path;
    if (node.kind == Node::Kind::Map) check_action(reader, node);
    return good;
  };
  return kind;
}

}  // namespace holdfast::config
