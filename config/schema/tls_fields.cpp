// Certificates and versions of TLS on a listener.
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

/// off, fetch, or a path.
Kind<Certificate> stapling_kind() {
  const Kind<LoadedFile> file = loaded_file("off, fetch, or path of a DER file");
  return {file.noun, file.schema,
          [file](Reader& reader, const Node& node, Certificate& out) {
            out.staple = LoadedFile{};
            out.stapling = is_word(node, "off")     ? Stapling::Off
                           : is_word(node, "fetch") ? Stapling::Fetch
                                                    : Stapling::File;
            return out.stapling != Stapling::File || file.read(reader, node, out.staple);
          },
          [](const Certificate& value, const Config&) {
            return value.stapling == Stapling::File
                       ? text_node(value.staple.path)
                       : word_node(value.stapling == Stapling::Off ? "off" : "fetch");
          }};
}

/// What the files hold is judged by whoever knows TLS; here they only have to be there.
Kind<Certificate> certificate_kind() {
  static const Rows<Certificate> rows = make_rows<Certificate, /*place*/ 1>(
      field("certificate", &Certificate::certificate, loaded_file("path of a PEM file"), "", Takes::NewWorkers,
            "Certificate with its chain, itself first.")
          .required()
          .example("/etc/holdfast/tls/site.pem"),
      field("key", &Certificate::key, loaded_file("path of a PEM file"), "", Takes::NewWorkers,
            "Its private key, not encrypted. Read by the master before it drops privileges: root alone may be "
            "able to read it.")
          .required()
          .example("/etc/holdfast/tls/site.key"),
      whole<Certificate, 2>("ocsp", stapling_kind(), "off", Takes::NewWorkers,
                            "An OCSP response that is sent along, so that clients need not ask the authority: "
                            "`fetch` asks it, beside the "
                            "serving and again in good time; or a file (DER) that somebody else keeps fresh. "
                            "The chain must hold the "
                            "issuer.")
          .example("fetch"));
  return with_place(section(rows));
}

Kind<bool> required_or_optional() {
  return choice<bool>({{{"required", true}, {"optional", false}}});
}

Kind<ClientCertificates> client_certificates_kind() {
  static const Rows<ClientCertificates> rows = make_rows<ClientCertificates, /*enabled, place*/ 2>(
      field(
          "authorities", &ClientCertificates::authorities, loaded_file("path of a PEM file"), "",
          Takes::NewWorkers,
          "Certificates of the authorities that clients' certificates must come from. Revocation lists in the "
          "same file are heeded.")
          .required()
          .example("/etc/holdfast/tls/clients.pem"),
      field(
          "mode", &ClientCertificates::required, required_or_optional(), "required", Takes::NewWorkers,
          "`required`: a client without a certificate is refused in the handshake. `optional`: it may connect, "
          "and handlers and logs see no subject. One that shows a bad certificate is refused either way."));
  return with_place(section_or_off(rows));
}

const Rows<Tls>& tls_rows() {
  static const Rows<Tls> rows = make_rows<Tls, /*enabled*/ 1>(
      field("certificates", &Tls::certificates, list_of(certificate_kind(), 1), "", Takes::NewWorkers,
            "Certificates; the name a client asks for picks one, the first is the default. ECDSA and RSA "
            "certificates of the same names go side by side.")
          .required()
          .example("[{certificate: tls/site.pem, key: tls/site.key}]"),
      field("min_version", &Tls::min_version,
            choice<TlsVersion>({{{"1.2", TlsVersion::Tls12}, {"1.3", TlsVersion::Tls13}}}), "\"1.2\"",
            Takes::NewWorkers, "Oldest version of TLS that is spoken."),
      field("strict_sni", &Tls::strict_sni, boolean(), "false", Takes::NewWorkers,
            "Whether clients that ask for a name which no certificate has, or for none, are refused; otherwise "
            "they are given the default certificate."),
      field("client_certificates", &Tls::client_certificates, client_certificates_kind(), "off",
            Takes::NewWorkers, "Whether clients are asked for a certificate, and whose are good.")
          .example("{authorities: tls/clients.pem, mode: optional}"),
      field("early_data", &Tls::early_data, boolean(), "false", Takes::NewWorkers,
            "Whether clients of resumed sessions may send requests with their first packet (0-RTT), which "
            "saves them "
            "a round trip. Whoever has recorded such a packet can send it again: requests are marked by "
            "`Early-Data: "
            "1`, and those that are not safe or have content get 425, upon which clients repeat them."));
  return rows;
}

}  // namespace

Kind<Tls> tls_kind() {
  return section_or_off(tls_rows());
}

}  // namespace holdfast::config
