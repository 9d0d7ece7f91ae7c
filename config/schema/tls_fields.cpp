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
  Kind<Certificate> kind = section(rows);
  const auto read = kind.read;
  kind.read = [read](Reader& reader, const Node& node, Certificate& out) {
    out.place = reader.place(node.mark);
    return read(reader, node, out);
  };
  return kind;
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
            "they are given the default certificate."));
  return rows;
}

}  // namespace

Kind<Tls> tls_kind() {
  return section_or_off(tls_rows());
}

}  // namespace holdfast::config
