// Session tickets (RFC 5077, RFC 8446 section 4.6.1) under the keys that all workers share.
#pragma once

struct ssl_ctx_st;

namespace holdfast::net {

/// `context` makes and takes tickets by the keys of the TlsContext that is its application data, or none at
/// all.
void use_tickets(ssl_ctx_st* context, bool on);

}  // namespace holdfast::net
