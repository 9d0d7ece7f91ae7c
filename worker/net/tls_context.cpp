#include "worker/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "common/ascii.h"
#include "common/text_hash.h"
#include "worker/net/tls_certificate.h"
#include "worker/net/tls_clients.h"

namespace holdfast::net {
namespace {

// Forward secrecy and authenticated encryption alone (Mozilla's intermediate set, without finite fields). The
// order is ours, but a client that puts ChaCha20 first has it: it has no AES in hardware.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// The same order as above; what the library has by itself begins with AES-256, which costs a quarter more.
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// RFC 7301 section 3.1: length, name.
constexpr std::string_view kHttp2 = "\x02h2";
constexpr std::string_view kProtocols = "\x02h2\x08http/1.1";

constexpr std::uint64_t kOptions = SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_NO_COMPRESSION;
constexpr long kModes =
    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;

/// RFC 7301 section 3.2: a client that speaks nothing of ours is told so.
int choose_protocol(SSL* /*session*/, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void* of) {
  const bool http2 = static_cast<const TlsContext*>(of)->http2();
  const std::string_view protocols = kProtocols.substr(http2 ? 0 : kHttp2.size());
  const auto* const ours = reinterpret_cast<const unsigned char*>(protocols.data());
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, ours, static_cast<unsigned>(protocols.size()), offered,
                                          offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// RFC 6066 section 3: whether the name is known here.
int judge_name(SSL* session, int* alert, void* of) {
  const auto& context = *static_cast<const TlsContext*>(of);
  const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr && context.find(name) != nullptr) return SSL_TLSEXT_ERR_OK;
  if (!context.strict()) return SSL_TLSEXT_ERR_NOACK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// In place of the default, which the session was made with.
int choose_certificate(SSL* session, void* of) {
  const auto& context = *static_cast<const TlsContext*>(of);
  const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  const TlsContext::Group* const group = name != nullptr ? context.find(name) : nullptr;
  if (group == nullptr || group == &context.fallback()) return 1;
  SSL_certs_clear(session);
  for (const TlsCertificate* certificate : group->certificates)
    if (!certificate->use_in(session)) return 0;
  return 1;
}

/// RFC 6066 section 8, RFC 8446 section 4.4.2.1.
int add_staple(SSL* session, void* of) {
  const auto& context = *static_cast<const TlsContext*>(of);
  const std::string* const staple =
      context.staple_of(SSL_get_certificate(session), std::chrono::system_clock::now());
  if (staple == nullptr) return SSL_TLSEXT_ERR_NOACK;
  auto* const copy = static_cast<unsigned char*>(OPENSSL_memdup(staple->data(), staple->size()));
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(session, copy, static_cast<long>(staple->size()));  // which takes it
  return SSL_TLSEXT_ERR_OK;
}

// RFC 8446 section 8. The library's own protection against replays is a list in each process, of which a worker
// knows but its own: what a replay could do is bounded by which requests are served (RFC 8470).
void allow_early_data(ssl_ctx_st* context) {
  constexpr std::uint32_t kMostEarlyBytes = 16 * 1024;
  SSL_CTX_set_max_early_data(context, kMostEarlyBytes);
  SSL_CTX_set_recv_max_early_data(context, kMostEarlyBytes);
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
}

Error at(const config::Place& place, const std::string& file, const std::string& message) {
  return {ErrorKind::Configuration, 0,
          place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + file +
              ": " + message};
}

}  // namespace

void FreeSslContext::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}
void FreeSsl::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(const config::Tls& settings, const Tickets& tickets,
                                                     bool http2) {
  std::unique_ptr<TlsContext> made(new TlsContext);
  made->tickets_ = tickets;
  made->http2_ = http2;
  made->strict_ = settings.strict_sni;
  if (Result<void> renewed = made->renew(settings); !renewed) return renewed.error();
  return made;
}

Result<void> TlsContext::renew(const config::Tls& settings) {
  Result<LoadedList> loaded = load_changed(settings);
  if (!loaded) return loaded.error();
  Result<Handle> handle = make_handle(settings, *loaded);
  if (!handle) return handle.error();
  // Nothing can fail any more.
  for (std::size_t i = 0; i < loaded->size(); ++i)
    if (!(*loaded)[i]) (*loaded)[i] = std::move(loaded_[i]);
  loaded_ = std::move(*loaded);
  handle_ = std::move(*handle);
  arrange();
  return {};
}

/// Null in the place of what is the same as before.
Result<TlsContext::LoadedList> TlsContext::load_changed(const config::Tls& settings) const {
  LoadedList list;
  for (std::size_t i = 0; i < settings.certificates.size(); ++i) {
    const config::Certificate& files = settings.certificates[i];
    const std::uint64_t fingerprint = text_hash(files.certificate.text, 1) + 3 * text_hash(files.key.text, 2) +
                                      5 * text_hash(files.staple.text, 3);
    list.emplace_back();
    if (i < loaded_.size() && loaded_[i]->fingerprint == fingerprint) continue;
    Result<std::unique_ptr<const Loaded>> one = load(files, fingerprint);
    if (!one) return one.error();
    list.back() = std::move(*one);
  }
  return list;
}

Result<std::unique_ptr<const TlsContext::Loaded>> TlsContext::load(const config::Certificate& files,
                                                                   std::uint64_t fingerprint) const {
  Result<TlsCertificate> certificate = TlsCertificate::read(files.certificate.text, files.key.text);
  if (!certificate) {
    const std::string message = certificate.error().message();
    return at(files.place, message.starts_with("key") ? files.key.path : files.certificate.path, message);
  }
  // In a handshake it would be too late to find that the library refuses a key as too weak.
  const Handle trial = make_bare(config::TlsVersion::Tls12);
  if (!trial || !certificate->use_in(trial.get()))
    return at(files.place, files.certificate.path, "certificate: cannot be used: " + take_tls_error());
  std::optional<Staple> staple;
  if (!files.staple.text.empty()) {
    // One that is not good is no reason not to serve; examine_certificates() tells of it.
    Result<Staple> read = read_staple(files.staple.text, *certificate, std::chrono::system_clock::now());
    if (read) staple = std::move(*read);
  }
  std::vector<std::string> names = certificate->names();
  return std::unique_ptr<const Loaded>(
      new Loaded{fingerprint, std::move(*certificate), std::move(names), std::move(staple)});
}

void TlsContext::arrange() {
  groups_.clear();
  by_name_.clear();
  staples_.clear();
  std::map<std::vector<std::string>, Group*> by_names;
  for (const auto& loaded : loaded_) {
    Group*& group = by_names[loaded->names];
    if (group == nullptr) group = &groups_.emplace_back(Group{loaded->names, {}});
    group->certificates.push_back(&loaded->certificate);
    if (loaded->staple) staples_.emplace(loaded->certificate.leaf(), &*loaded->staple);
  }
  // A name that an earlier certificate has stays with that.
  for (const Group& group : groups_)
    for (const std::string& name : group.names) by_name_.emplace(name, &group);
}

/// With the default certificates as they will be.
Result<TlsContext::Handle> TlsContext::make_handle(const config::Tls& settings,
                                                   const LoadedList& changed) const {
  Handle handle = make_bare(settings.min_version);
  if (!handle) return Error{ErrorKind::System, 0, "TLS cannot be set up: " + take_tls_error()};
  if (settings.early_data) allow_early_data(handle.get());
  const config::ClientCertificates& clients = settings.client_certificates;
  if (const Result<void> verified = verify_clients(handle.get(), clients); !verified)
    return at(clients.place, clients.authorities.path, verified.error().message());
  const auto future = [&](std::size_t i) -> const Loaded& { return changed[i] ? *changed[i] : *loaded_[i]; };
  for (std::size_t i = 0; i < changed.size(); ++i)
    if (future(i).names == future(0).names && !future(i).certificate.use_in(handle.get()))
      return at(settings.certificates[i].place, settings.certificates[i].certificate.path,
                "certificate: cannot be used: " + take_tls_error());
  return handle;
}

TlsContext::Handle TlsContext::make_bare(config::TlsVersion least) const {
  ERR_clear_error();
  Handle context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const raw = context.get();
  const int version = least == config::TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, version) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphers12) != 1 || SSL_CTX_set_ciphersuites(raw, kCiphers13) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1)
    return nullptr;
  SSL_CTX_set_options(raw, kOptions);
  SSL_CTX_set_mode(raw, kModes);
  // A flood of records without content would keep the library busy within one call.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  auto* const self = const_cast<TlsContext*>(this);  // callbacks read it only
  SSL_CTX_set_app_data(raw, self);
  use_tickets(raw, tickets_);
  // Two system calls a record otherwise: one for its length.
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, self);
  SSL_CTX_set_tlsext_servername_callback(raw, judge_name);
  SSL_CTX_set_tlsext_servername_arg(raw, self);
  SSL_CTX_set_cert_cb(raw, choose_certificate, self);
  SSL_CTX_set_tlsext_status_cb(raw, add_staple);
  SSL_CTX_set_tlsext_status_arg(raw, self);
  return context;
}

const std::string* TlsContext::staple_of(const x509_st* certificate, WallTime now) const {
  const auto found = staples_.find(certificate);
  return found != staples_.end() && now < found->second->until ? &found->second->response : nullptr;
}

SslHandle TlsContext::accept() const {
  SslHandle session(SSL_new(handle_.get()));
  if (session) SSL_set_accept_state(session.get());
  return session;
}

const TlsContext::Group* TlsContext::find(std::string_view name) const {
  const std::string lowered = ascii_lowered(name);
  if (const auto exact = by_name_.find(lowered); exact != by_name_.end()) return exact->second;
  // RFC 6125 section 6.4.3: a wildcard stands for one whole label.
  const std::size_t dot = lowered.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  const auto wildcard = by_name_.find("*" + lowered.substr(dot));
  return wildcard != by_name_.end() ? wildcard->second : nullptr;
}

}  // namespace holdfast::net
