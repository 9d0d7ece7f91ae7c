#include "worker/net/tls_certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "common/ascii.h"

namespace holdfast::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

std::unique_ptr<BIO, FreeBio> reader_of(std::string_view text) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Instead of asking at the terminal.
int refuse_to_ask(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
}

std::string common_name(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

Error wrong(std::string message) {
  return {ErrorKind::Configuration, 0, std::move(message)};
}

}  // namespace

void TlsCertificate::Free::operator()(x509_st* certificate) const noexcept {
  X509_free(certificate);
}
void TlsCertificate::Free::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key);
}
void TlsCertificate::Free::operator()(stack_st_X509* stack) const noexcept {
  sk_X509_free(stack);
}

WallTime time_of(const asn1_string_st* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&broken));
}

std::string date_of(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm broken{};
  ::gmtime_r(&seconds, &broken);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%F", &broken)};
}

std::string take_tls_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

Result<TlsCertificate> TlsCertificate::read(std::string_view chain, std::string_view key) {
  ERR_clear_error();
  TlsCertificate made;
  const auto certificates = reader_of(chain);
  while (X509* const one = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr))
    made.chain_.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (made.chain_.empty() && at_end) return wrong("certificate: the file holds none in PEM form");
  if (!at_end) return wrong("certificate: cannot be read: " + take_tls_error());
  bool asked = false;
  made.key_.reset(PEM_read_bio_PrivateKey(reader_of(key).get(), nullptr, refuse_to_ask, &asked));
  if (asked) return wrong("key: is encrypted, and nobody is there to type its passphrase; decrypt the file");
  if (!made.key_) return wrong("key: the file holds no private key in PEM form");
  if (X509_check_private_key(made.chain_.front().get(), made.key_.get()) != 1)
    return wrong("key: does not belong to the certificate");
  made.issuers_.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < made.chain_.size(); ++i) sk_X509_push(made.issuers_.get(), made.chain_[i].get());
  ERR_clear_error();
  return made;
}

std::vector<std::string> TlsCertificate::names() const {
  X509* const certificate = chain_.front().get();
  const std::unique_ptr<GENERAL_NAMES, FreeNames> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(ascii_lowered(text_of(name->d.dNSName)));
    if (name->type == GEN_IPADD) names.push_back(address_text(name->d.iPAddress));
  }
  if (names.empty()) names.push_back(ascii_lowered(common_name(certificate)));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

WallTime TlsCertificate::valid_until() const {
  return time_of(X509_get0_notAfter(chain_.front().get()));
}

std::string TlsCertificate::defect(WallTime now) const {
  const WallTime from = time_of(X509_get0_notBefore(chain_.front().get()));
  if (now > valid_until()) return "has expired (" + date_of(valid_until()) + ")";
  if (now < from) return "is not valid before " + date_of(from);
  // RFC 8446 section 4.4.2: each certifies the one before it, as older clients insist.
  for (std::size_t i = 1; i < chain_.size(); ++i)
    if (X509_check_issued(chain_[i].get(), chain_[i - 1].get()) != X509_V_OK)
      return "number " + std::to_string(i + 1) + " of the chain did not issue number " + std::to_string(i);
  return {};
}

bool TlsCertificate::use_in(ssl_ctx_st* context) const {
  return SSL_CTX_use_cert_and_key(context, leaf(), key_.get(), issuers_.get(), 1) == 1;
}
bool TlsCertificate::use_in(ssl_st* session) const {
  return SSL_use_cert_and_key(session, leaf(), key_.get(), issuers_.get(), 1) == 1;
}

}  // namespace holdfast::net
