#include "worker/websocket/handshake.h"

#include <algorithm>

#include "common/ascii.h"

namespace holdfast::websocket {
namespace {

// Calls `each(value)` for every field of that name (in lower case).
template <class Each>
void for_each_field(std::span<const api::Field> fields, std::string_view name, Each each) {
  for (const api::Field& field : fields)
    if (ascii_iequals(field.name, name)) each(field.value);
}

bool list_names(std::span<const api::Field> fields, std::string_view name, std::string_view wanted) {
  bool found = false;
  for_each_field(fields, name, [&](std::string_view list) {
    for_each_list_element(list,
                          [&](std::string_view element) { found = found || ascii_iequals(element, wanted); });
  });
  return found;
}

struct Occurrences {
  std::size_t count = 0;
  std::string_view value;  // of the last one
};

Occurrences occurrences(std::span<const api::Field> fields, std::string_view name) {
  Occurrences found;
  for_each_field(fields, name, [&](std::string_view value) {
    ++found.count;
    found.value = trim_ows(value);
  });
  return found;
}

HandshakeRefusal malformed(std::string_view reason) {
  return {400, reason, false};
}

bool is_base64_char(char c) {
  return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '+' || c == '/';
}

// A client that speaks another version learns which one is spoken here before its other fields are looked at:
// they may be right for that version.
std::optional<HandshakeRefusal> check_version(std::span<const api::Field> fields) {
  const Occurrences version = occurrences(fields, "sec-websocket-version");
  if (version.count > 1) return malformed("more than one Sec-WebSocket-Version");
  if (version.value != kVersion) return HandshakeRefusal{426, "another version of WebSocket", true};
  return std::nullopt;
}

std::optional<HandshakeRefusal> check_request(api::Method method, api::Version version,
                                              std::span<const api::Field> fields) {
  if (method != api::Method::Get) return malformed("a handshake is a GET");
  // HTTP/1.0 ignores Upgrade (RFC 9110 section 7.8).
  if (version != api::Version::Http11) return malformed("a handshake needs HTTP/1.1");
  if (!asks_for_websocket(fields)) return malformed("Upgrade does not name websocket");
  if (!list_names(fields, "connection", "upgrade")) return malformed("Connection does not name upgrade");
  return check_version(fields);
}

std::optional<HandshakeRefusal> find_key(std::span<const api::Field> fields, std::string_view& key) {
  const Occurrences found = occurrences(fields, "sec-websocket-key");
  if (found.count == 0) return malformed("no Sec-WebSocket-Key");
  if (found.count > 1) return malformed("more than one Sec-WebSocket-Key");
  if (!is_handshake_key(found.value)) return malformed("Sec-WebSocket-Key is not of 16 bytes");
  key = found.value;
  return std::nullopt;
}

// The server's order decides, whatever the client's. A client whose wishes are all unknown gets none, and
// closes if it cannot do without (RFC 6455 section 4.2.2).
std::optional<HandshakeRefusal> choose_subprotocol(std::span<const api::Field> fields,
                                                   std::span<const std::string> known,
                                                   std::string_view& chosen) {
  bool tokens = true;
  std::size_t best = known.size();
  for_each_field(fields, "sec-websocket-protocol", [&](std::string_view list) {
    for_each_list_element(list, [&](std::string_view element) {
      tokens = tokens && is_token(element);
      const auto place = std::find(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(best), element);
      best = static_cast<std::size_t>(place - known.begin());
    });
  });
  if (!tokens) return malformed("Sec-WebSocket-Protocol is no list of tokens");
  if (best < known.size()) chosen = known[best];
  return std::nullopt;
}

// Scheme and host are the same in either case (RFC 6454 section 4), and a port has none. Browsers send one
// Origin.
std::optional<HandshakeRefusal> check_origin(std::span<const api::Field> fields,
                                             std::span<const std::string> allowed) {
  if (allowed.empty()) return std::nullopt;
  const Occurrences origin = occurrences(fields, "origin");
  const bool listed = std::ranges::any_of(
      allowed, [&](const std::string& entry) { return ascii_iequals(entry, origin.value); });
  if (origin.count == 1 && listed) return std::nullopt;
  return HandshakeRefusal{403, "Origin is not allowed", false};
}

}  // namespace

bool asks_for_websocket(std::span<const api::Field> fields) {
  return list_names(fields, "upgrade", "websocket");
}

// The last character holds the last two of 128 bits: the other four have no meaning, and decoders differ in
// whether they look at them.
bool is_handshake_key(std::string_view text) {
  return text.size() == 24 && text.ends_with("==") && std::ranges::all_of(text.substr(0, 22), is_base64_char);
}

Handshake check_extended_connect(std::span<const api::Field> fields, const HandshakeRules& rules) {
  Handshake handshake;
  handshake.refusal = check_version(fields);
  if (!handshake.refusal)
    handshake.refusal = choose_subprotocol(fields, rules.subprotocols, handshake.subprotocol);
  if (!handshake.refusal) handshake.refusal = check_origin(fields, rules.origins);
  return handshake;
}

Handshake check_handshake(api::Method method, api::Version version, std::span<const api::Field> fields,
                          const HandshakeRules& rules) {
  Handshake handshake;
  handshake.refusal = check_request(method, version, fields);
  if (!handshake.refusal) handshake.refusal = find_key(fields, handshake.key);
  if (!handshake.refusal)
    handshake.refusal = choose_subprotocol(fields, rules.subprotocols, handshake.subprotocol);
  if (!handshake.refusal) handshake.refusal = check_origin(fields, rules.origins);
  return handshake;
}

}  // namespace holdfast::websocket
