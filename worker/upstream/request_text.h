// The head of an outgoing request as it goes over the wire (RFC 9112 sections 2, 3). Pure.
#pragma once

#include <string>

#include "common/api/fetch.h"
#include "common/result.h"
#include "worker/upstream/url.h"

namespace holdfast::upstream {

/// Request line, fields and the empty line. Host, User-Agent and Content-Length are added. Fails with a message
/// that names what cannot be sent: a method or name that is no token, a value with control bytes (which would
/// split the request), a field that belongs to the connection.
Result<std::string> request_text(const api::OutgoingRequest& request, const Url& url);

/// May be sent again when it is not known whether it was done (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method);

}  // namespace holdfast::upstream
