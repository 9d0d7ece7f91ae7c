// What the TLS library says of a call, in the words of transports.
#pragma once

#include "worker/net/transport.h"

struct ssl_st;

namespace holdfast::net {

/// Of the call of `session` that returned `result`; it was the last one of this thread. After Failed the
/// library must not be asked again about the session.
Io outcome_of(ssl_st* session, int result);

}  // namespace holdfast::net
