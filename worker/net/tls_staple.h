// OCSP responses (RFC 6960) that are sent along with a certificate (RFC 6066 section 8): an authority's word
// that it has not been revoked, so that clients need not ask themselves.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"
#include "worker/net/tls_certificate.h"

namespace holdfast::net {

struct Staple {
  std::string response;  // DER
  WallTime until;        // clients take it no longer
};

/// Fails, and the message says why, when clients would not take it: it is of another certificate, not signed by
/// its authority, out of date, or it says something else than "good".
Result<Staple> read_staple(std::string_view response, const TlsCertificate& certificate, WallTime now);

/// Asks the authority over the network, for at most ten seconds: not for a worker or the master.
Result<Staple> fetch_staple(const TlsCertificate& certificate, WallTime now);

}  // namespace holdfast::net
