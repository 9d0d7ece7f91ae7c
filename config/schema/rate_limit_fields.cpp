#include <array>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMostRequests = 100'000;
constexpr std::uint64_t kMostBurst = 1'000'000;
constexpr Milliseconds kFastestPeriod = 1s;
constexpr Milliseconds kLongestRefill = 24h * 7;

struct Period {
  std::string_view name;
  Milliseconds length;
};
constexpr std::array<Period, 3> kPeriods{{{"/s", kFastestPeriod}, {"/m", 1min}, {"/h", 1h}}};

bool read_rate(Reader& reader, const Node& node, RateLimit& out) {
  constexpr std::string_view kRequirement =
      "must be requests in a second, minute or hour: 10/s, 300/m or 1000/h";
  if (node.kind != Node::Kind::Scalar) return reader.wrong(node, kRequirement);
  const std::string_view text(node.text);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::optional<std::uint64_t> requests = parse_decimal(text.substr(0, slash));
  if (!requests || text.starts_with('0')) return reader.wrong(node, kRequirement);
  if (*requests > kMostRequests)
    return reader.wrong(node, "must be at most " + std::to_string(kMostRequests) + " requests");
  for (const Period& period : kPeriods) {
    if (text.substr(slash) != period.name) continue;
    out.requests = *requests;
    out.period = period.length;
    return true;
  }
  return reader.wrong(node, kRequirement, slash == text.size() ? "write `" + shown(node.text) + "/s`" : "");
}

Kind<RateLimit> rate_kind() {
  return {"requests in a second, minute or hour", schema_pattern("^[1-9][0-9]*/[smh]$"), read_rate,
          [](const RateLimit& limit, const Config&) {
            for (const Period& period : kPeriods)
              if (period.length == limit.period)
                return word_node(std::to_string(limit.requests).append(period.name));
            return Node{};
          }};
}

bool read_key_header(Reader& reader, const Node& node, RateLimit& out) {
  const Reader::Step step(reader, "header");
  const Entry* const name = node.find("header");
  std::string header;
  if (name == nullptr || node.entries.size() != 1)
    return reader.wrong(node, "must be a map with the one key `header`", "write `{header: X-Api-Key}`");
  if (!read_string(reader, name->value, header)) return false;
  if (!is_token(header)) return reader.wrong(name->value, "must be the name of a header field");
  out.key = RateKey::Header;
  out.header = std::move(header);
  return true;
}

Node header_schema() {
  Node schema = schema_type("object");
  schema.entries.push_back(entry("properties", mapping({entry("header", schema_type("string"))})));
  schema.entries.push_back(entry("required", sequence({text_node("header")})));
  schema.entries.push_back(entry("additionalProperties", word_node("false")));
  return schema;
}

Kind<RateLimit> key_kind() {
  return {"address, all, or {header: NAME}", schema_any({schema_words({"address", "all"}), header_schema()}),
          [](Reader& reader, const Node& node, RateLimit& out) {
            if (node.kind == Node::Kind::Map) return read_key_header(reader, node, out);
            const bool address = node.kind == Node::Kind::Scalar && node.text == "address";
            if (!address && (node.kind != Node::Kind::Scalar || node.text != "all"))
              return reader.wrong(node, "must be address, all, or a header field",
                                  "write `{header: X-Api-Key}`");
            out.key = address ? RateKey::Address : RateKey::All;
            return true;
          },
          [](const RateLimit& limit, const Config&) {
            switch (limit.key) {
              case RateKey::Address:
                return word_node("address");
              case RateKey::All:
                return word_node("all");
              case RateKey::Header:
                break;
            }
            return mapping({entry("header", text_node(limit.header))});
          }};
}

const Rows<RateLimit>& rate_limit_rows() {
  static const Rows<RateLimit> rows = make_rows<RateLimit>(
      whole<RateLimit, 2>("rate", rate_kind(), "", Takes::NewWorkers,
                          "Requests that one client may make on the long run, evenly spread; `/s`, `/m` or "
                          "`/h`. Shared by all workers, kept over reloads.")
          .required()
          .example("10/s"),
      field("burst", &RateLimit::burst, count<std::uint64_t>(1, kMostBurst), "", Takes::NewWorkers,
            "Requests that may come at once; they are earned back at the rate. Absent: the number of `rate`. "
            "Raise it for pages that load many parts.")
          .example("20"),
      whole<RateLimit, 2>(
          "key", key_kind(), "address", Takes::NewWorkers,
          "Who is one client: `address` (of IPv6 the /64; all that come by a unix socket are one), the value "
          "of a "
          "header field (`{header: X-Api-Key}`; without it, the address), or `all` clients together. A header "
          "suits keys that are checked behind it: anybody can make up values."));
  return rows;
}

/// What was written of `burst` fits what was written of `rate`.
bool settle_burst(Reader& reader, const Node& node, RateLimit& limit) {
  if (limit.burst == 0) limit.burst = limit.requests;
  if (limit.requests == 0) return false;
  const auto most = static_cast<std::uint64_t>(kLongestRefill / limit.period) * limit.requests;
  if (limit.burst <= most) return true;
  const Entry* const burst = node.find("burst");
  const Reader::Step step(reader, "burst");
  return reader.wrong(burst != nullptr ? burst->value : node,
                      "must be earned back within 7 days: at most " + std::to_string(most) + " at this rate");
}

}  // namespace

Kind<RateLimit> rate_limit_kind() {
  const Kind<RateLimit> limit = section(rate_limit_rows());
  return {"section, or off", schema_any({schema_words({"off"}), limit.schema}),
          [limit](Reader& reader, const Node& node, RateLimit& out) {
            RateLimit read;
            const bool off = node.kind == Node::Kind::Scalar && node.text == "off";
            if (!off && (!limit.read(reader, node, read) || !settle_burst(reader, node, read))) return false;
            out = std::move(read);
            return true;
          },
          [limit](const RateLimit& value, const Config& config) {
            return value.requests != 0 ? limit.write(value, config) : word_node("off");
          },
          limit.children};
}

}  // namespace holdfast::config
