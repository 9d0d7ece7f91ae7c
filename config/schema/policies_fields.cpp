// Who may ask, how often, and how a refusal looks: rows of a site, which a route may have for itself.
#include <algorithm>
#include <optional>

#include "common/address_set.h"
#include "common/ascii.h"
#include "config/password_file.h"
#include "config/schema/sections.h"
#include "config/source_text.h"

namespace holdfast::config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

constexpr std::size_t kLargestPage = 1024 * 1024;

// -- basic_auth

Kind<BasicAuth> users_kind() {
  const Kind<LoadedFile> file = loaded_file("path of a password file");
  return {file.noun, file.schema,
          [file](Reader& reader, const Node& node, BasicAuth& out) {
            LoadedFile loaded;
            if (!file.read(reader, node, loaded)) return false;
            out.file = loaded.path;
            PasswordFile read = parse_password_file(loaded.text);
            for (const auto& [line, problem] : read.problems)
              reader.problem(node.mark, shown(out.file) + ": line " + std::to_string(line) + " " + problem);
            if (read.users.empty() && read.problems.empty())
              reader.problem(node.mark, shown(out.file) + " names no user: nobody could get in");
            out.users = std::move(read.users);
            return read.problems.empty();
          },
          [](const BasicAuth& value, const Config&) { return text_node(value.file); }};
}

std::string check_realm(std::string& realm) {
  for (const char c : realm)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '"' || c == '\\')
      return "must be ASCII text without quotes, backslashes and control characters";
  return "";
}

const Rows<BasicAuth>& basic_auth_rows() {
  static const Rows<BasicAuth> rows = make_rows<BasicAuth, /*enabled*/ 1>(
      whole<BasicAuth, 2>(
          "file", users_kind(), "", Takes::NewWorkers,
          "Password file (`htpasswd -B`), read once at load, by the master: workers need no access to it. "
          "bcrypt, yescrypt, SHA-crypt, MD5-crypt, $apr1$ and {SHA} are known.")
          .required()
          .example("/etc/holdfast/htpasswd"),
      field("realm", &BasicAuth::realm, text("text", check_realm), "Restricted", Takes::NewWorkers,
            "What browsers show when they ask for the password."));
  return rows;
}

// -- cors

std::string check_origin(std::string& origin) {
  constexpr std::string_view kRequirement =
      "must be origins (https://app.example.org, https://*.example.org) or \"*\"";
  if (origin == "*") return "";
  origin = ascii_lowered(origin);
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string::npos || scheme == 0) return std::string(kRequirement);
  std::string_view host = std::string_view(origin).substr(scheme + 3);
  if (host.starts_with("*.")) host.remove_prefix(2);
  for (const char c : host)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '*' || c == '/' || c == ',')
      return std::string(kRequirement);
  return host.empty() ? std::string(kRequirement) : "";
}

std::string check_field_name(std::string& name) {
  return is_token(name) ? "" : "must be header names";
}

const Rows<Cors>& cors_rows() {
  static const Rows<Cors> rows = make_rows<Cors, /*enabled*/ 1>(
      field("origins", &Cors::origins, list_of(text("origin", check_origin), 1), "", Takes::NewWorkers,
            "Sites whose scripts may use this one: an origin, all below a name (`https://*.example.org`), or "
            "\"*\".")
          .required()
          .example("[https://app.example.org]"),
      field("methods", &Cors::methods, list_of(text("method", check_method)), "[GET, HEAD, POST]",
            Takes::NewWorkers, "Methods those scripts may use."),
      field("headers", &Cors::headers, list_of(text("header name", check_field_name)), "[\"*\"]",
            Takes::NewWorkers, "Request headers they may set; `*`: whichever they ask for."),
      field("expose", &Cors::expose, list_of(text("header name", check_field_name)), "[]", Takes::NewWorkers,
            "Response headers they may read, besides those that are always open to them."),
      field("credentials", &Cors::credentials, boolean(), "false", Takes::NewWorkers,
            "Whether they may send cookies and passwords; not together with the origin \"*\"."),
      field("max_age", &Cors::max_age, duration(0ms, 24h), "10m", Takes::NewWorkers,
            "How long browsers remember the answer of a preflight request."));
  return rows;
}

Kind<Cors> cors_kind() {
  Kind<Cors> kind = section_or_off(cors_rows());
  kind.read = [read = kind.read](Reader& reader, const Node& node, Cors& out) {
    const bool good = read(reader, node, out);
    const bool any = std::find(out.origins.begin(), out.origins.end(), "*") != out.origins.end();
    if (!good || !out.credentials || !any) return good;
    reader.problem(node.mark,
                   "`cors` cannot allow credentials to every origin: browsers refuse that; name the origins");
    return false;
  };
  return kind;
}

// -- error_pages

/// 404, 4xx, 5xx; 0 for what is no key.
std::uint16_t page_status(std::string_view key) {
  if (key == "4xx") return 4;
  if (key == "5xx") return 5;
  const std::optional<std::uint64_t> number = parse_decimal(key);
  return number && *number >= 400 && *number <= 599 && key.size() == 3 ? static_cast<std::uint16_t>(*number)
                                                                       : 0;
}

bool read_page(Reader& reader, const Node& node, ErrorPage& out) {
  static const Kind<std::string> path = path_kind("");
  const Entry* const file =
      node.kind == Node::Kind::Map && node.entries.size() == 1 ? node.find("file") : nullptr;
  if (file == nullptr) return reader.wrong(node, "must be {file: PATH}");
  if (!path.read(reader, file->value, out.file)) return false;
  Result<std::string> body = read_source(out.file);
  if (body && body->size() <= kLargestPage) return out.body = *std::move(body), true;
  reader.problem(file->value.mark,
                 shown(out.file) + " " + (body ? "is larger than 1 MiB" : body.error().message()));
  return false;
}

bool read_pages(Reader& reader, const Node& node, std::vector<ErrorPage>& out) {
  out.clear();
  if (node.kind != Node::Kind::Map) return reader.wrong(node, "must be a map", "write `{404: {file: PATH}}`");
  bool good = true;
  for (const Entry& written : node.entries) {
    const Reader::Step step(reader, written.key);
    ErrorPage page;
    page.status = page_status(written.key);
    if (page.status == 0) {
      reader.problem(written.mark, "`" + shown(written.key) + "` is no status from 400 to 599, 4xx or 5xx");
      good = false;
    }
    good = read_page(reader, written.value, page) && good;
    out.push_back(std::move(page));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const ErrorPage& a, const ErrorPage& b) { return (a.status > 5) > (b.status > 5); });
  return good;
}

Kind<std::vector<ErrorPage>> error_pages_kind() {
  Node page = mapping(
      {entry("type", text_node("object")), entry("properties", mapping({entry("file", schema_type("string"))})),
       entry("required", sequence({text_node("file")})), entry("additionalProperties", word_node("false"))});
  Node schema =
      mapping({entry("type", text_node("object")),
               entry("patternProperties", mapping({entry("^([45][0-9][0-9]|4xx|5xx)$", std::move(page))})),
               entry("additionalProperties", word_node("false"))});
  return {"map of statuses to {file: PATH}", std::move(schema), read_pages,
          [](const std::vector<ErrorPage>& pages, const Config&) {
            std::vector<Entry> entries;
            for (const ErrorPage& page : pages) {
              const std::string key =
                  page.status > 5 ? std::to_string(page.status) : std::to_string(page.status) + "xx";
              entries.push_back(entry(key, mapping({entry("file", text_node(page.file))})));
            }
            return mapping(std::move(entries));
          }};
}

}  // namespace

Kind<std::string> address_or_network() {
  return {"IPv4 or IPv6 address or network, or unix", schema_type("string"),
          [](Reader& reader, const Node& node, std::string& out) {
            std::string value;
            if (!read_string(reader, node, value)) return false;
            Result<std::string> normal = AddressSet::normalised(value);
            if (!normal)
              return reader.wrong(
                  node, "must be addresses or networks (192.0.2.7, 10.0.0.0/8, 2001:db8::/32) or unix");
            out = *std::move(normal);
            return true;
          },
          [](const std::string& value, const Config&) { return text_node(value); }};
}

const Rows<Policies>& policies_rows() {
  static const Rows<Policies> rows = make_rows<Policies>(
      field("allow", &Policies::allow, list_of(address_or_network()), "[]", Takes::NewWorkers,
            "Addresses and networks that may ask; others get 403. Empty: everybody. `unix` is whoever comes "
            "through a unix "
            "socket.")
          .example("[10.0.0.0/8, \"2001:db8::/32\"]"),
      field("deny", &Policies::deny, list_of(address_or_network()), "[]", Takes::NewWorkers,
            "Addresses and networks that get 403, also when `allow` names them.")
          .example("[192.0.2.66]"),
      field("basic_auth", &Policies::basic_auth, section_or_off(basic_auth_rows()), "off", Takes::NewWorkers,
            "Asks for a name and a password (RFC 7617). Use it over TLS only: both travel in clear."),
      field("cors", &Policies::cors, cors_kind(), "off", Takes::NewWorkers,
            "Lets scripts of other sites use this one (CORS). Preflight requests are answered for them."),
      field("rate_limit", &Policies::rate_limit, rate_limit_kind(), "off", Takes::NewWorkers,
            "Bounds the requests of each client, over all workers; more get 429. Use it before logins and "
            "costly handlers."),
      field("error_pages", &Policies::error_pages, error_pages_kind(), "{}", Takes::NewWorkers,
            "Pages of one's own in place of the short built-in ones, by status (`404`) or class (`5xx`); read "
            "once at load. "
            "The status stays. A client that prefers JSON still gets the built-in JSON, unless the page is a "
            ".json file.")
          .example("{404: {file: /srv/www/404.html}}"));
  return rows;
}

}  // namespace holdfast::config
