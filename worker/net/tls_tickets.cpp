#include "worker/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <span>

#include "worker/net/tls_context.h"

namespace holdfast::net {
namespace {

// What the library expects of the callback.
constexpr int kError = -1;
constexpr int kUnknown = 0;  // a full handshake follows
constexpr int kGood = 1;
constexpr int kRenew = 2;  // good, and a new ticket is sent

constexpr unsigned char kSessionContext[] = "holdfast";
constexpr std::size_t kIvSize = 16;

// Asked for by name each time, the library looks it up in all its providers.
const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool begin(tickets::TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
           int encrypt) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, ticket_cipher(), nullptr, key.cipher.data(), iv, encrypt) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int make_ticket(const tickets::TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac) {
  tickets::TicketKey key = keys.current();
  std::ranges::copy(key.name, name);
  const bool good = RAND_bytes(iv, kIvSize) == 1 && begin(key, iv, cipher, mac, 1);
  OPENSSL_cleanse(&key, sizeof key);
  return good ? kGood : kError;
}

int take_ticket(const SSL* session, const tickets::TicketKeys& keys, const unsigned char* name,
                const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  auto found = keys.find(std::span<const std::uint8_t, 16>(name, 16));
  if (!found) return kUnknown;
  const bool good = begin(found->key, iv, cipher, mac, 0);
  OPENSSL_cleanse(&found->key, sizeof found->key);
  if (!good) return kError;
  // With TLS 1.3 a ticket is for one use (RFC 8446 appendix C.4).
  return found->current && SSL_version(session) != TLS1_3_VERSION ? kGood : kRenew;
}

int ticket_key(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
               int encrypt) {
  const auto* const context = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
  const tickets::TicketKeys& keys = *context->ticket_keys();
  return encrypt != 0 ? make_ticket(keys, name, iv, cipher, mac)
                      : take_ticket(session, keys, name, iv, cipher, mac);
}

}  // namespace

void use_tickets(ssl_ctx_st* context, const Tickets& tickets) {
  if (tickets.keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_timeout(context, std::chrono::duration_cast<std::chrono::seconds>(tickets.lifetime).count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
}

}  // namespace holdfast::net
