// A certificate with its chain and its private key, read from PEM text, and the names it is for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

struct asn1_string_st;
struct x509_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct stack_st_X509;

namespace holdfast::net {

class TlsCertificate {
 public:
  /// `chain`: the certificate itself first. Fails when there is none, when the key is missing or encrypted, or
  /// when both do not belong together; the message begins with "certificate" or "key".
  static Result<TlsCertificate> read(std::string_view chain, std::string_view key);

  /// DNS names and addresses, lower case and sorted; of a certificate without alternative names its common
  /// name.
  std::vector<std::string> names() const;
  WallTime valid_until() const;
  /// They live as long as this. The issuer: the next of the chain, null when there is none.
  x509_st* leaf() const { return chain_.front().get(); }
  x509_st* issuer() const { return chain_.size() > 1 ? chain_[1].get() : nullptr; }
  /// Why clients would refuse it whatever they trust: its dates, or a chain that does not lead on from one to
  /// the next; empty when there is no such reason.
  std::string defect(WallTime now) const;
  /// Shows it to clients, beside those of other key types; false when the library refuses. The library keeps
  /// what it needs.
  bool use_in(ssl_ctx_st* context) const;
  bool use_in(ssl_st* session) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const noexcept;
    void operator()(evp_pkey_st* key) const noexcept;
    void operator()(stack_st_X509* stack) const noexcept;
  };
  std::vector<std::unique_ptr<x509_st, Free>> chain_;
  std::unique_ptr<stack_st_X509, Free> issuers_;  // the same but for the first, as the library takes them
  std::unique_ptr<evp_pkey_st, Free> key_;
};

/// Of a certificate or an OCSP response: whole seconds, UTC (RFC 5280 section 4.1.2.5).
WallTime time_of(const asn1_string_st* time);
/// "2026-12-31", UTC.
std::string date_of(WallTime time);

/// What the library said last, for a message; empties its queue.
std::string take_tls_error();

}  // namespace holdfast::net
