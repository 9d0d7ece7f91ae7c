#include "tests/support/test_certificate.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>
#include <stdexcept>

namespace holdfast::support {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
  void operator()(OCSP_BASICRESP* basic) const { OCSP_BASICRESP_free(basic); }
  void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
  void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void must(bool good) {
  if (!good) throw std::runtime_error("the test's certificate could not be made");
}

template <class Write>
std::string pem(Write write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int kind, const std::string& text) {
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void add_names(X509* certificate, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "DNS:" : ",DNS:") + name;
  add_extension(certificate, NID_subject_alt_name, text);
}

Owned<EVP_PKEY> key_of(const TestCertificate& made) {
  const Owned<BIO> bio(BIO_new_mem_buf(made.key.data(), static_cast<int>(made.key.size())));
  return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

Owned<X509> parsed(const TestCertificate& made) {
  const Owned<BIO> bio(BIO_new_mem_buf(made.certificate.data(), static_cast<int>(made.certificate.size())));
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

}  // namespace

TestCertificate make_certificate(const std::vector<std::string>& names, const CertificateOptions& options) {
  constexpr long kDay = 24 * 3600;
  const Owned<EVP_PKEY> key(options.kind == KeyKind::Rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  must(key && certificate);
  X509_set_version(certificate.get(), X509_VERSION_3);
  static std::atomic<long> serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), options.from_days * kDay - 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.until_days * kDay - 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0);
  const Owned<X509> issuer = options.issuer != nullptr ? parsed(*options.issuer) : nullptr;
  const Owned<EVP_PKEY> issuer_key = options.issuer != nullptr ? key_of(*options.issuer) : nullptr;
  X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer.get()) : name);
  if (options.authority) add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (!names.empty()) add_names(certificate.get(), names);
  if (!options.ocsp_url.empty())
    add_extension(certificate.get(), NID_info_access, "OCSP;URI:" + options.ocsp_url);
  must(X509_sign(certificate.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0);
  return {pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }), pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::string revocation_list(const TestCertificate& issuer, const std::vector<TestCertificate>& revoked) {
  const Owned<X509_CRL> list(X509_CRL_new());
  const Owned<ASN1_TIME> now(X509_gmtime_adj(nullptr, -60));
  const Owned<ASN1_TIME> next(X509_gmtime_adj(nullptr, 24 * 3600));
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(parsed(issuer).get()));
  X509_CRL_set1_lastUpdate(list.get(), now.get());
  X509_CRL_set1_nextUpdate(list.get(), next.get());
  for (const TestCertificate& one : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(parsed(one).get()));
    X509_REVOKED_set_revocationDate(entry, now.get());
    must(X509_CRL_add0_revoked(list.get(), entry) == 1);
  }
  must(X509_CRL_sign(list.get(), key_of(issuer).get(), EVP_sha256()) > 0);
  return pem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

std::string ocsp_response(const TestCertificate& issuer, const TestCertificate& about,
                          const OcspOptions& options) {
  const Owned<X509> authority = parsed(issuer);
  const Owned<ASN1_TIME> from(X509_gmtime_adj(nullptr, options.from_hours * 3600L));
  const Owned<ASN1_TIME> until(X509_gmtime_adj(nullptr, options.until_hours * 3600L));
  const Owned<OCSP_CERTID> id(OCSP_cert_to_id(nullptr, parsed(about).get(), authority.get()));
  const Owned<OCSP_BASICRESP> basic(OCSP_BASICRESP_new());
  must(OCSP_basic_add1_status(basic.get(), id.get(),
                              options.revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD, 0,
                              options.revoked ? from.get() : nullptr, from.get(), until.get()) != nullptr);
  must(OCSP_basic_sign(basic.get(), authority.get(), key_of(issuer).get(), EVP_sha256(), nullptr,
                       OCSP_NOCERTS) == 1);
  const Owned<OCSP_RESPONSE> response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  return pem([&](BIO* bio) { return i2d_OCSP_RESPONSE_bio(bio, response.get()); });
}

std::string encrypted_key(const TestCertificate& made) {
  const Owned<EVP_PKEY> key = key_of(made);
  std::string passphrase = "secret";
  return pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), EVP_aes_128_cbc(),
                                    reinterpret_cast<unsigned char*>(passphrase.data()),
                                    static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

}  // namespace holdfast::support
