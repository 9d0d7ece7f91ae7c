// Certificates made for a test: self-signed, so that each is its own authority.
#pragma once

#include <string>
#include <vector>

namespace holdfast::support {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

enum class KeyKind { Ecdsa, Rsa };

/// For DNS names (wildcards as they are written); valid for a day.
TestCertificate make_certificate(const std::vector<std::string>& names, KeyKind kind = KeyKind::Ecdsa);
/// The key of `made`, encrypted with a passphrase.
std::string encrypted_key(const TestCertificate& made);

}  // namespace holdfast::support
