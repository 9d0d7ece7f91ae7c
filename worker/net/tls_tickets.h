// Session tickets (RFC 5077, RFC 8446 section 4.6.1) under the keys that all workers share.
#pragma once

#include "common/tickets/ticket_keys.h"

struct ssl_ctx_st;

namespace holdfast::net {

struct Tickets {
  const tickets::TicketKeys* keys = nullptr;  // null: none are made or taken
  Milliseconds lifetime{};
};

/// `context`, whose application data is a TlsContext with the same keys, makes and takes tickets.
void use_tickets(ssl_ctx_st* context, const Tickets& tickets);

}  // namespace holdfast::net
