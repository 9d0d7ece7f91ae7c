#include "tests/support/tls_stream.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <cerrno>
#include <csignal>

#include "tests/support/deadline.h"

namespace holdfast::support {
namespace {

bool trust(SSL_CTX* context, const std::string& text) {
  BIO* const bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  const bool added =
      certificate != nullptr && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1;
  X509_free(certificate);
  BIO_free(bio);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return added;
}

bool show(SSL_CTX* context, const TlsOptions& options) {
  BIO* const chain = BIO_new_mem_buf(options.certificate.data(), static_cast<int>(options.certificate.size()));
  BIO* const key_text = BIO_new_mem_buf(options.key.data(), static_cast<int>(options.key.size()));
  X509* const certificate = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  const bool shown =
      SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  X509_free(certificate);
  BIO_free(key_text);
  BIO_free(chain);
  return shown;
}

std::string wire_form(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols)
    wire.append(1, static_cast<char>(protocol.size())).append(protocol);
  return wire;
}

void set_session(SSL* ssl, const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  SSL_SESSION* const session = d2i_SSL_SESSION(nullptr, &at, static_cast<long>(der.size()));
  if (session != nullptr) SSL_set_session(ssl, session);
  SSL_SESSION_free(session);
}

std::string library_problem() {
  const unsigned long code = ERR_peek_error();
  return code != 0 ? ERR_reason_error_string(code) : "the connection ended";
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::connect(int socket, const TlsOptions& options, Milliseconds in,
                                              std::string& problem) {
  // The library writes without a word about signals; a peer that is gone is an error like others.
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<TlsStream> made(new TlsStream);
  made->context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(made->context_, options.least);
  SSL_CTX_set_max_proto_version(made->context_, options.most);
  // What is too weak to be used is to be refused by the server.
  SSL_CTX_set_security_level(made->context_, 0);
  if (!options.trust.empty() && !trust(made->context_, options.trust)) problem = "no certificate to trust";
  if (!options.certificate.empty() && !show(made->context_, options)) problem = "no certificate to show";
  if (!options.signatures.empty()) SSL_CTX_set1_sigalgs_list(made->context_, options.signatures.c_str());
  made->session_ = SSL_new(made->context_);
  SSL_set_fd(made->session_, socket);
  SSL_set_mode(made->session_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_tlsext_status_type(made->session_, TLSEXT_STATUSTYPE_ocsp);
  if (!options.name.empty()) {
    SSL_set_tlsext_host_name(made->session_, options.name.c_str());
    SSL_set1_host(made->session_, options.name.c_str());
  }
  if (!options.session.empty()) set_session(made->session_, options.session);
  const std::string protocols = wire_form(options.protocols);
  if (!protocols.empty())
    SSL_set_alpn_protos(made->session_, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  std::size_t early = 0;
  if (!options.early.empty() && !options.session.empty() &&
      SSL_write_early_data(made->session_, options.early.data(), options.early.size(), &early) != 1)
    problem = "no early data";
  const Deadline deadline(in);
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(made->session_);
    if (result == 1) return made;
    const int error = SSL_get_error(made->session_, result);
    problem = library_problem();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return nullptr;
    problem = "no handshake in time";
    pollfd waiting{socket, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    if (::poll(&waiting, 1, deadline.milliseconds_left()) == 0) return nullptr;
  }
}

TlsStream::~TlsStream() {
  SSL_free(session_);
  SSL_CTX_free(context_);
}

ssize_t TlsStream::failed(int result) {
  const int system = errno;
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    default:
      // An end without close_notify is a cut.
      errno = system != 0 && system != EAGAIN ? system : ECONNRESET;
      return -1;
  }
}

ssize_t TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
  return result > 0 ? result : failed(result);
}

ssize_t TlsStream::read(std::span<char> room) {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_read(session_, room.data(), static_cast<int>(room.size()));
  return result > 0 ? result : failed(result);
}

void TlsStream::end() {
  SSL_shutdown(session_);
}

void TlsStream::change_key() {
  SSL_key_update(session_, SSL_KEY_UPDATE_REQUESTED);
}

bool TlsStream::early_taken() const {
  return SSL_get_early_data_status(session_) == SSL_EARLY_DATA_ACCEPTED;
}

std::string TlsStream::staple() const {
  const unsigned char* response = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(session_, &response);
  return size > 0 ? std::string(reinterpret_cast<const char*>(response), static_cast<std::size_t>(size)) : "";
}

std::string TlsStream::session() const {
  SSL_SESSION* const session = SSL_get1_session(session_);
  std::string der;
  if (session != nullptr && SSL_SESSION_is_resumable(session) == 1 && SSL_SESSION_has_ticket(session) == 1) {
    der.resize(static_cast<std::size_t>(i2d_SSL_SESSION(session, nullptr)));
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    i2d_SSL_SESSION(session, &at);
  }
  SSL_SESSION_free(session);
  return der;
}

bool TlsStream::resumed() const {
  return SSL_session_reused(session_) == 1;
}

std::string TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsStream::version() const {
  return SSL_get_version(session_);
}

std::string TlsStream::certificate() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  X509* const shown = SSL_get1_peer_certificate(session_);
  if (shown != nullptr) PEM_write_bio_X509(bio, shown);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  X509_free(shown);
  BIO_free(bio);
  return pem;
}

}  // namespace holdfast::support
