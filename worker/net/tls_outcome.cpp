#include "worker/net/tls_outcome.h"

#include <openssl/ssl.h>

namespace holdfast::net {

Io outcome_of(ssl_st* session, int result) {
  switch (SSL_get_error(session, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::WantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::WantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Io::End;
    default:
      return Io::Failed;
  }
}

}  // namespace holdfast::net
