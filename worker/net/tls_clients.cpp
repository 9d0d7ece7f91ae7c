#include "worker/net/tls_clients.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "worker/net/tls_certificate.h"

namespace holdfast::net {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(STACK_OF(X509_INFO) * infos) const noexcept { sk_X509_INFO_pop_free(infos, X509_INFO_free); }
};

Error wrong(std::string why) {
  return {ErrorKind::Configuration, 0, std::move(why)};
}

/// Authorities are believed, revocation lists among them are heeded. The list of names goes to clients.
Result<void> take_authorities(SSL_CTX* context, const std::string& text) {
  ERR_clear_error();
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const std::unique_ptr<STACK_OF(X509_INFO), Free> infos(
      PEM_X509_INFO_read_bio(bio.get(), nullptr, nullptr, nullptr));
  if (!infos) return wrong("authorities: cannot be read: " + take_tls_error());
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  int authorities = 0;
  for (int i = 0; i < sk_X509_INFO_num(infos.get()); ++i) {
    const X509_INFO* const info = sk_X509_INFO_value(infos.get(), i);
    if (info->x509 != nullptr) {
      if (X509_STORE_add_cert(store, info->x509) != 1 || SSL_CTX_add_client_CA(context, info->x509) != 1)
        return wrong("authorities: cannot be used: " + take_tls_error());
      ++authorities;
    }
    if (info->crl == nullptr) continue;
    if (X509_STORE_add_crl(store, info->crl) != 1)
      return wrong("revocation list: cannot be used: " + take_tls_error());
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  }
  if (authorities == 0) return wrong("authorities: the file holds no certificate in PEM form");
  return {};
}

/// A ticket says that its client was verified: good only where the same was asked.
bool tie_sessions(SSL_CTX* context, const config::ClientCertificates& settings) {
  const std::string rules = (settings.required ? "required\n" : "optional\n") + settings.authorities.text;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  return EVP_Digest(rules.data(), rules.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1 &&
         SSL_CTX_set_session_id_context(context, digest.data(), size) == 1;
}

}  // namespace

Result<void> verify_clients(ssl_ctx_st* context, const config::ClientCertificates& settings) {
  if (!settings.enabled) return {};
  if (Result<void> taken = take_authorities(context, settings.authorities.text); !taken) return taken;
  if (!tie_sessions(context, settings)) return wrong("authorities: cannot be used: " + take_tls_error());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (settings.required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return {};
}

std::string client_subject(const ssl_st* session) {
  const X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr || SSL_get_verify_result(session) != X509_V_OK) return {};
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  // Bytes above ASCII stay UTF-8: logs and handlers escape what they must.
  constexpr unsigned long kFormat = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!bio || X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, kFormat) < 0) return {};
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace holdfast::net
