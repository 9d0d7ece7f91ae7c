// Certificates made for a test: self-signed, so that each is its own authority, unless another has signed them.
#pragma once

#include <string>
#include <vector>

namespace holdfast::support {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

enum class KeyKind { Ecdsa, Rsa };

struct CertificateOptions {
  KeyKind kind = KeyKind::Ecdsa;
  std::string common_name = "holdfast test";
  int from_days = 0;    // from today; an hour earlier, as clocks differ
  int until_days = 90;  // likewise
  const TestCertificate* issuer = nullptr;
  bool authority = false;     // may sign others
  std::string ocsp_url = {};  // where its issuer is asked whether it is still good
};

/// For DNS names (wildcards as they are written).
TestCertificate make_certificate(const std::vector<std::string>& names, const CertificateOptions& options = {});
/// The list, signed by `issuer`, of those of its certificates that are not good any more.
std::string revocation_list(const TestCertificate& issuer, const std::vector<TestCertificate>& revoked);
struct OcspOptions {
  bool revoked = false;
  int from_hours = 0, until_hours = 48;  // from now
};
/// What the issuer says of a certificate of its own (DER).
std::string ocsp_response(const TestCertificate& issuer, const TestCertificate& about,
                          const OcspOptions& options = {});
/// The key of `made`, encrypted with a passphrase.
std::string encrypted_key(const TestCertificate& made);

}  // namespace holdfast::support
