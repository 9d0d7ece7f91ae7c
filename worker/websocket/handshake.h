// The opening handshake of a WebSocket over HTTP/1.1, as far as a server checks and decides (RFC 6455
// section 4.2). Pure functions over the head of a request; extensions are in deflate_offer.h, the answer's
// proof is in accept_key.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/api/request.h"

namespace holdfast::websocket {

inline constexpr std::string_view kVersion = "13";  // the only one (RFC 6455 section 4.4)

/// The request's Upgrade names websocket: check_handshake() says whether it is done right.
bool asks_for_websocket(std::span<const api::Field> fields);

/// What a client is answered with instead of a WebSocket.
struct HandshakeRefusal {
  std::uint16_t status = 400;
  std::string_view reason;     // for the log and the body; lives as long as the program
  bool tells_version = false;  // the answer needs Sec-WebSocket-Version: 13 (RFC 6455 section 4.4)
};

struct HandshakeRules {
  std::span<const std::string> subprotocols;  // of the server, the dearest first
  /// "scheme://host" or "scheme://host:port" of the pages that may connect, as browsers write them: without a
  /// default port. Empty: anybody. Else a request without Origin is refused too.
  std::span<const std::string> origins;
};

/// What was found in a handshake.
struct Handshake {
  std::optional<HandshakeRefusal> refusal;
  std::string_view key;          // for accept_key(); lives as long as the fields
  std::string_view subprotocol;  // to be answered with; empty: none. Lives as long as the rules
};

/// RFC 6455 section 4.2.1 point by point, then the rules: 400 for what is malformed, 426 for another version of
/// the protocol, 403 for an Origin that is not listed.
Handshake check_handshake(api::Method method, api::Version version, std::span<const api::Field> fields,
                          const HandshakeRules& rules);

/// The same for an extended CONNECT (RFC 8441 section 5), which HTTP/2 has checked as such: no key, no Upgrade.
Handshake check_extended_connect(std::span<const api::Field> fields, const HandshakeRules& rules);

/// Base64 of 16 bytes (RFC 6455 section 4.1).
bool is_handshake_key(std::string_view text);

}  // namespace holdfast::websocket
