// What the master and `holdfast check` learn of certificates, without knowing TLS themselves.
#include "worker/net/tls_certificate.h"
#include "worker/net/tls_context.h"
#include "worker/net/tls_staple.h"
#include "worker/worker.h"

namespace holdfast::worker {
namespace {

std::string expiry_remark(WallTime until, WallTime now) {
  const auto days = std::chrono::floor<std::chrono::days>(until - now).count();
  return "expires in " + std::to_string(days) + (days == 1 ? " day (" : " days (") + net::date_of(until) + ")";
}

}  // namespace

Result<std::vector<CertificateFacts>> examine_certificates(const config::Config& config, WallTime now) {
  std::vector<CertificateFacts> facts;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls.enabled) continue;
    if (const auto context = net::TlsContext::make(listener.tls); !context) return context.error();
    for (const config::Certificate& files : listener.tls.certificates) {
      const auto certificate = net::TlsCertificate::read(files.certificate.text, files.key.text);
      if (!certificate) return certificate.error();
      CertificateFacts& found = facts.emplace_back();
      found.of = &files;
      found.until = certificate->valid_until();
      found.remark = certificate->defect(now);
      found.good = found.remark.empty();
      if (found.good && found.until - now < kExpiresSoon) found.remark = expiry_remark(found.until, now);
      if (found.remark.empty() && !files.staple.text.empty())
        if (const auto staple = net::read_staple(files.staple.text, *certificate, now); !staple)
          found.remark = "its " + staple.error().message();
    }
  }
  return facts;
}

Result<FetchedStaple> fetch_staple(const config::Certificate& certificate) {
  const auto read = net::TlsCertificate::read(certificate.certificate.text, certificate.key.text);
  if (!read) return read.error();
  Result<net::Staple> staple = net::fetch_staple(*read, std::chrono::system_clock::now());
  if (!staple) return staple.error();
  return FetchedStaple{std::move(staple->response), staple->until};
}

}  // namespace holdfast::worker
