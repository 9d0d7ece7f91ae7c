// Negotiation of permessage-deflate: what a client offers in Sec-WebSocket-Extensions, and what a server
// answers (RFC 6455 section 9.1; RFC 7692 sections 5 and 7.1). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/api/request.h"

namespace holdfast::websocket {

inline constexpr std::uint8_t kMostWindowBits = 15;   // a window of 32 KiB
inline constexpr std::uint8_t kLeastWindowBits = 9;   // what zlib can compress with: 512 bytes
inline constexpr std::uint8_t kLeastOfferedBits = 8;  // what a client may ask for

/// What a server wants. The windows are base-2 logarithms of their bytes, from kLeastWindowBits to
/// kMostWindowBits.
struct DeflatePolicy {
  std::uint8_t server_window_bits = 12;     // at most, for what the server sends
  std::uint8_t client_window_bits = 12;     // at most, for what clients send; not all can be told
  bool server_no_context_takeover = false;  // each message is compressed alone: more bytes, less memory
  bool client_no_context_takeover = false;
};

/// What was agreed.
struct DeflateAgreement {
  std::uint8_t server_window_bits = kMostWindowBits;  // never below kLeastWindowBits
  std::uint8_t client_window_bits = kMostWindowBits;  // may be kLeastOfferedBits
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  bool tells_server_bits = false;  // the answer must name the window
  bool tells_client_bits = false;

  bool operator==(const DeflateAgreement&) const = default;
  /// The value of Sec-WebSocket-Extensions in the answer to the handshake.
  std::string answer() const;
};

struct DeflateNegotiation {
  bool malformed = false;  // not of the grammar: the handshake is to be refused (RFC 6455 section 9.1)
  std::optional<DeflateAgreement> agreement;  // nothing: no compression
};

/// Walks all offers in order and takes the first one that can be granted. One with an unknown or doubled
/// parameter, or with a value that is missing, not wanted or out of range, is declined (RFC 7692 section 7);
/// other extensions are skipped.
DeflateNegotiation negotiate_deflate(std::span<const api::Field> fields, const DeflatePolicy& policy);

}  // namespace holdfast::websocket
