// The proof that a server has understood a WebSocket handshake (RFC 6455 sections 1.3 and 4.2.2). Proves
// nothing else: no secret is in it.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::websocket {

/// The value of Sec-WebSocket-Accept for that of Sec-WebSocket-Key, 28 characters; empty when the library of
/// cryptography refuses SHA-1.
std::string accept_key(std::string_view key);

}  // namespace holdfast::websocket
