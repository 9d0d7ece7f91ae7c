#include "worker/net/tls_staple.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

namespace holdfast::net {
namespace {

struct Free {
  void operator()(OCSP_RESPONSE* response) const noexcept { OCSP_RESPONSE_free(response); }
  void operator()(OCSP_BASICRESP* response) const noexcept { OCSP_BASICRESP_free(response); }
  void operator()(OCSP_REQUEST* request) const noexcept { OCSP_REQUEST_free(request); }
  void operator()(OCSP_CERTID* id) const noexcept { OCSP_CERTID_free(id); }
  void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
  void operator()(STACK_OF(OPENSSL_STRING) * urls) const noexcept { X509_email_free(urls); }
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(char* text) const noexcept { OPENSSL_free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr std::chrono::minutes kClockSkew{5};
constexpr int kFetchSeconds = 10;
constexpr std::size_t kLargest = 64 * 1024;

Error wrong(std::string why) {
  return {ErrorKind::Configuration, 0, "OCSP response: " + std::move(why)};
}

/// Signed by the authority, or by whom it has charged with that.
bool is_signed(OCSP_BASICRESP* basic, X509* issuer) {
  const Owned<X509_STORE> store(X509_STORE_new());
  const Owned<STACK_OF(X509)> issuers(sk_X509_new_null());
  if (!store || !issuers || X509_STORE_add_cert(store.get(), issuer) != 1 ||
      sk_X509_push(issuers.get(), issuer) == 0)
    return false;
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return OCSP_basic_verify(basic, issuers.get(), store.get(), OCSP_TRUSTOTHER) == 1;
}

Result<Staple> judge(OCSP_BASICRESP* basic, const TlsCertificate& certificate, WallTime now) {
  const Owned<OCSP_CERTID> id(OCSP_cert_to_id(nullptr, certificate.leaf(), certificate.issuer()));
  int status = 0;
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  if (!id || OCSP_resp_find_status(basic, id.get(), &status, nullptr, nullptr, &from, &until) != 1)
    return wrong("is of another certificate");
  if (status != V_OCSP_CERTSTATUS_GOOD)
    return wrong(std::string("says that the certificate is ") + OCSP_cert_status_str(status));
  // Without an end, newer ones are always to be had: good for a while.
  constexpr std::chrono::hours kWithoutEnd{24};
  const WallTime end = until != nullptr ? time_of(until) : time_of(from) + kWithoutEnd;
  if (now + kClockSkew < time_of(from) || now > end) return wrong("is out of date");
  return Staple{{}, end};
}

/// The first place where the authority answers in clear, as all of them do.
Owned<char> responder_of(X509* leaf, Owned<char>& host, Owned<char>& port) {
  const Owned<STACK_OF(OPENSSL_STRING)> urls(X509_get1_ocsp(leaf));
  for (int i = 0; i < sk_OPENSSL_STRING_num(urls.get()); ++i) {
    char* parts[3]{};
    int secure = 0;
    if (OSSL_HTTP_parse_url(sk_OPENSSL_STRING_value(urls.get(), i), &secure, nullptr, &parts[0], &parts[1],
                            nullptr, &parts[2], nullptr, nullptr) != 1)
      continue;
    host.reset(parts[0]);
    port.reset(parts[1]);
    Owned<char> path(parts[2]);
    if (secure == 0) return path;
  }
  return nullptr;
}

Owned<BIO> request_for(const TlsCertificate& certificate) {
  const Owned<OCSP_REQUEST> request(OCSP_REQUEST_new());
  Owned<OCSP_CERTID> id(OCSP_cert_to_id(nullptr, certificate.leaf(), certificate.issuer()));
  if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr) return nullptr;
  (void)id.release();  // the request's now
  Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio && i2d_OCSP_REQUEST_bio(bio.get(), request.get()) != 1) return nullptr;
  return bio;
}

}  // namespace

Result<Staple> read_staple(std::string_view response, const TlsCertificate& certificate, WallTime now) {
  ERR_clear_error();
  if (certificate.issuer() == nullptr) return wrong("needs the issuer's certificate in the chain");
  const auto* at = reinterpret_cast<const unsigned char*>(response.data());
  const Owned<OCSP_RESPONSE> parsed(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.size())));
  if (!parsed) return wrong("is none");
  if (const int status = OCSP_response_status(parsed.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return wrong(std::string("says ") + OCSP_response_status_str(status));
  const Owned<OCSP_BASICRESP> basic(OCSP_response_get1_basic(parsed.get()));
  if (!basic) return wrong("is of an unknown kind");
  Result<Staple> staple = judge(basic.get(), certificate, now);
  if (staple && !is_signed(basic.get(), certificate.issuer())) return wrong("is not signed by the authority");
  ERR_clear_error();
  if (staple) staple->response = response;
  return staple;
}

Result<Staple> fetch_staple(const TlsCertificate& certificate, WallTime now) {
  ERR_clear_error();
  if (certificate.issuer() == nullptr) return wrong("needs the issuer's certificate in the chain");
  Owned<char> host, port;
  const Owned<char> path = responder_of(certificate.leaf(), host, port);
  if (!path) return wrong("the certificate names no responder");
  const Owned<BIO> request = request_for(certificate);
  if (!request) return wrong("cannot be asked for: " + take_tls_error());
  const Owned<BIO> answer(OSSL_HTTP_transfer(nullptr, host.get(), port.get(), path.get(), 0, nullptr, nullptr,
                                             nullptr, nullptr, nullptr, nullptr, 0, nullptr,
                                             "application/ocsp-request", request.get(),
                                             "application/ocsp-response", 1, kLargest, kFetchSeconds, 0));
  if (!answer)
    return wrong("none from " + std::string(host.get()) + ":" + port.get() + ": " + take_tls_error());
  std::string response;
  std::array<char, 4096> buffer{};
  for (int got = 0; (got = BIO_read(answer.get(), buffer.data(), buffer.size())) > 0;)
    response.append(buffer.data(), static_cast<std::size_t>(got));
  return read_staple(response, certificate, now);
}

}  // namespace holdfast::net
