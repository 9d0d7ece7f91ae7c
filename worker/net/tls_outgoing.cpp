#include "worker/net/tls_outgoing.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "worker/net/tls_outcome.h"

namespace holdfast::net {
namespace {

constexpr std::string_view kHttp1 = "\x08http/1.1";  // RFC 7301 section 3.1: length, name

std::string library_reason() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "" : reason;
}

bool load(ssl_ctx_st* context, const std::string& file) {
  if (file.empty()) return SSL_CTX_set_default_verify_paths(context) == 1;
  return SSL_CTX_load_verify_file(context, file.c_str()) == 1;
}

/// The name or address that the certificate must hold.
bool expect_host(SSL* session, const std::string& host, bool literal) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(session);
  if (literal) return X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

Result<std::unique_ptr<TlsAuthorities>> TlsAuthorities::make(const std::string& file) {
  std::unique_ptr<TlsAuthorities> made(new TlsAuthorities);
  ERR_clear_error();
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_ctx_st* const context = made->context_.get();
  if (context == nullptr) return Error{ErrorKind::System, ENOMEM, "begin TLS"};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(
      context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(kHttp1.data()),
                          static_cast<unsigned>(kHttp1.size()));
  if (!load(context, file)) {
    const std::string reason = library_reason();
    return Error{ErrorKind::Configuration, 0,
                 (file.empty() ? "the system's authorities" : file) + ": holds no certificates to believe" +
                     (reason.empty() ? "" : " (" + reason + ")")};
  }
  return made;
}

SslHandle TlsAuthorities::connect(const std::string& host, bool literal) const {
  SslHandle session(SSL_new(context_.get()));
  // A name may be written with the root's dot, which is in no certificate.
  const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  if (!session || !expect_host(session.get(), name, literal)) return nullptr;
  SSL_set_connect_state(session.get());
  return session;
}

TlsOutgoing::TlsOutgoing(Fd socket, SslHandle session)
    : socket_(std::move(socket)), session_(std::move(session)) {
  if (session_ && SSL_set_fd(session_.get(), socket_.get()) != 1) session_.reset();
}

Io TlsOutgoing::judge(int result) {
  const Io outcome = outcome_of(session_.get(), result);
  broken_ = broken_ || outcome == Io::Failed;
  return outcome;
}

void TlsOutgoing::note_problem() {
  const long verified = SSL_get_verify_result(session_.get());
  problem_ = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : library_reason();
  if (problem_.empty()) problem_ = "the connection ended during the handshake";
}

IoResult TlsOutgoing::handshake() {
  if (!session_) {
    problem_ = "not enough memory";
    return {Io::Failed, 0, ENOMEM};
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result != 1) {
    const Io outcome = judge(result);
    if (outcome == Io::WantRead || outcome == Io::WantWrite) return {outcome, 0, 0};
    note_problem();
    return {Io::Failed, 0, 0};
  }
  facts_.version = SSL_get_version(session_.get());
  if (const char* const cipher = SSL_get_cipher_name(session_.get())) facts_.cipher = cipher;
  return {};
}

IoResult TlsOutgoing::read(std::span<std::byte> room) {
  if (broken_) return {Io::Failed, 0, ECONNRESET};
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_read_ex(session_.get(), room.data(), room.size(), &bytes);
  if (result == 1) return {Io::Ok, bytes, 0};
  // RFC 8446 section 6.1: an end without close_notify may be somebody's cut, and is a failure.
  return {judge(result), 0, 0};
}

IoResult TlsOutgoing::write(std::span<const iovec> pieces, bool /*more*/) {
  std::size_t sent = 0;
  for (const iovec& piece : pieces) {
    if (broken_) return {Io::Failed, 0, EPIPE};
    if (piece.iov_len == 0) continue;
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_write_ex(session_.get(), piece.iov_base, piece.iov_len, &bytes);
    if (result != 1) {
      const Io outcome = judge(result);
      if (sent > 0 && outcome != Io::Failed) break;
      return {outcome == Io::End ? Io::Failed : outcome, 0, 0};
    }
    sent += bytes;
    if (bytes < piece.iov_len) break;
  }
  return {Io::Ok, sent, 0};
}

IoResult TlsOutgoing::send_file(std::span<const iovec> /*head*/, int /*file*/, std::uint64_t /*offset*/,
                                std::size_t /*length*/) {
  return {Io::Failed, 0, EINVAL};
}

void TlsOutgoing::end_writing(bool peer_ended) {
  ERR_clear_error();
  if (session_ && !broken_) SSL_shutdown(session_.get());
  if (!peer_ended) ::shutdown(socket_.get(), SHUT_WR);
}

bool TlsOutgoing::has_pending() const {
  return session_ && SSL_has_pending(session_.get()) == 1;
}

}  // namespace holdfast::net
