#include <limits>

#include "common/ascii.h"
#include "config/nearest_name.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kLongestHost = 253;  // RFC 1035 section 2.3.4, without the trailing dot

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost || host.front() == '.' || host.back() == '.') return false;
  if (host.find("..") != std::string_view::npos) return false;
  for (const char c : host)
    if (!is_ascii_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' && c != '.') return false;
  return true;
}

std::string normalise_host(std::string& host) {
  host = ascii_lowered(host);
  if (host.starts_with('[') && Endpoint::parse(host + ":0")) return "";
  std::string_view name = host;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.find('*') != std::string_view::npos)
    return "may have a `*` only as its whole first label (`*.example.org`)";
  if (name.find(':') != std::string_view::npos) return "must be a host name without a port";
  for (const char c : name)
    if (static_cast<unsigned char>(c) >= 0x80) return "must be in ASCII (xn--... for international names)";
  return is_host_name(name) ? "" : "must be a host name";
}

/// The name of a listener, kept as its index.
Kind<std::uint32_t> listener_reference() {
  return {
      "name of a listener", schema_type("string"),
      [](Reader& reader, const Node& node, std::uint32_t& out) {
        out = std::numeric_limits<std::uint32_t>::max();  // one that is refused names none
        std::string name;
        if (!read_string(reader, node, name)) return false;
        std::vector<std::string_view> names;
        for (const Listener& listener : reader.config().listeners) {
          if (listener.name == name) return out = static_cast<std::uint32_t>(names.size()), true;
          names.push_back(listener.name);
        }
        const std::string nearest = nearest_name(name, names);
        return reader.wrong(node, "must name a listener (" + join_words(names, "or") + ")",
                            nearest.empty() ? "" : "did you mean `" + nearest + "`?");
      },
      [](const std::uint32_t& index, const Config& config) { return text_node(config.listeners[index].name); }};
}

Field<Site, 1> routes_field() {
  return field("routes", &Site::routes, list_of(route_kind()), "", Takes::NewWorkers,
               "What is served where; the order does not matter: exact paths win over {parameters}, those over "
               "the longest "
               "prefix.")
      .required();
}

Rows<Site> named_rows() {
  return make_rows<Site, /*policies, routes, place*/ 3>(
      field("name", &Site::name, label(), "", Takes::NewWorkers,
            "Label of the site in metrics and logs; default is its first host, or `default`. Give one to keep "
            "dashboards "
            "when hosts change.")
          .example("shop"),
      field("hosts", &Site::hosts, list_of(text("host name", normalise_host)), "", Takes::NewWorkers,
            "Hosts the site answers for; `*.example.org` is every name below example.org. Absent: any host "
            "that no "
            "other site takes.")
          .example("[example.com, \"*.example.org\"]"),
      field("listeners", &Site::listeners, list_of(listener_reference(), 1), "", Takes::NewWorkers,
            "Listeners the site is served on; absent: all. Name some to keep a site on an internal address.")
          .example("[http]"),
      field(
          "headers", &Site::headers, section(header_edits_rows()), "", Takes::NewWorkers,
          "Changes to the header fields of all responses of the site, errors too; those of a route come after "
          "them. Use it for security headers such as Strict-Transport-Security.")
          .example("{set: {Strict-Transport-Security: max-age=31536000}}"));
}

/// A row of the policies in a site.
Field<Site, 0> policy_field(const Row<Policies>& row) {
  Field<Site, 0> own;
  own.info = row.info;
  own.read = [&row](Reader& reader, const Entry* written, Site& site) {
    row.read(reader, written, site.policies);
  };
  own.write = [&row](const Site& site, const Config& config) { return row.write(site.policies, config); };
  return own;
}

const Rows<Site>& site_rows() {
  static const Rows<Site> rows = [] {
    Rows<Site> made = named_rows();
    for (const Row<Policies>& row : policies_rows()) made.push_back(policy_field(row));
    Field<Site, 1> routes = routes_field();
    routes.read = [read = routes.read](Reader& reader, const Entry* written, Site& site) {
      reader.set_site_policies(site.policies);
      read(reader, written, site);
    };
    made.push_back(std::move(routes));
    return made;
  }();
  return rows;
}

void complete_site(Reader& reader, const Node& node, Site& site) {
  site.place = reader.place(node.mark);
  if (site.name.empty()) site.name = site.hosts.empty() ? "default" : site.hosts.front();
  if (!site.listeners.empty()) return;
  for (std::uint32_t i = 0; i < reader.config().listeners.size(); ++i) site.listeners.push_back(i);
}

}  // namespace

Kind<Site> site_kind() {
  Kind<Site> kind = section(site_rows());
  kind.read = [read = kind.read](Reader& reader, const Node& node, Site& site) {
    const bool good = read(reader, node, site);
    complete_site(reader, node, site);
    return good;
  };
  return kind;
}

}  // namespace holdfast::config
