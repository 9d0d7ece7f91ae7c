// Certificates that clients show.
#pragma once

#include <string>

#include "common/result.h"
#include "config/config.h"

struct ssl_ctx_st;
struct ssl_st;

namespace holdfast::net {

/// Has handshakes of `context` ask for a certificate. Sessions that were begun under other rules are not
/// resumed. Fails when the authorities cannot be used, with a message that names no file.
Result<void> verify_clients(ssl_ctx_st* context, const config::ClientCertificates& settings);

/// The subject of the certificate that the client has shown and that was verified (RFC 4514, UTF-8); empty: it
/// has shown none. Known for resumed sessions too.
std::string client_subject(const ssl_st* session);

}  // namespace holdfast::net
