// Certificates and versions of TLS on a listener.
#include "config/schema/sections.h"
#include "config/source_text.h"

namespace holdfast::config {
namespace {

/// What the file holds is judged by whoever knows TLS; here it only has to be there.
Kind<PemFile> pem_file(std::string noun) {
  const Kind<std::string> path = path_kind(std::move(noun));
  return {path.noun, path.schema,
          [path](Reader& reader, const Node& node, PemFile& out) {
            if (!path.read(reader, node, out.path)) return false;
            Result<std::string> text = read_source(out.path);
            if (!text) {
              reader.problem(node.mark, shown(out.path) + " " + text.error().message());
              return false;
            }
            out.text = std::move(*text);
            return true;
          },
          [](const PemFile& value, const Config&) { return text_node(value.path); }};
}

template <class S>
Kind<S> with_place(Kind<S> kind) {
  kind.read = [read = kind.read](Reader& reader, const Node& node, S& out) {
    const bool good = read(reader, node, out);
    out.place = reader.place(node.mark);
    return good;
  };
  return kind;
}

Kind<Certificate> certificate_kind() {
  static const Rows<Certificate> rows = make_rows<Certificate, /*place*/ 1>(
      field("certificate", &Certificate::certificate, pem_file("path of a PEM file"), "", Takes::NewWorkers,
            "Certificate with its chain, itself first.")
          .required()
          .example("/etc/holdfast/tls/site.pem"),
      field("key", &Certificate::key, pem_file("path of a PEM file"), "", Takes::NewWorkers,
            "Its private key, not encrypted. Read by the master before it drops privileges: root alone may be "
            "able to read it.")
          .required()
          .example("/etc/holdfast/tls/site.key"));
  return with_place(section(rows));
}

Kind<bool> required_or_optional() {
  return choice<bool>({{{"required", true}, {"optional", false}}});
}

Kind<ClientCertificates> client_certificates_kind() {
  static const Rows<ClientCertificates> rows = make_rows<ClientCertificates, /*enabled, place*/ 2>(
      field(
          "authorities", &ClientCertificates::authorities, pem_file("path of a PEM file"), "",
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
          .example("{authorities: tls/clients.pem, mode: optional}"));
  return rows;
}

}  // namespace

Kind<Tls> tls_kind() {
  return section_or_off(tls_rows());
}

}  // namespace holdfast::config
