// The client's side of TLS: connections that a worker itself opens. The other server's certificate is verified,
// chain and name, and there is no way to do without.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "worker/net/tls_context.h"
#include "worker/net/transport.h"

namespace holdfast::net {

/// Whom to believe. Outlives the sessions that come from it.
class TlsAuthorities {
 public:
  /// `file`: PEM certificates to believe; empty: those of the system. Reads the file. Fails with a message that
  /// names it.
  static Result<std::unique_ptr<TlsAuthorities>> make(const std::string& file);
  TlsAuthorities(const TlsAuthorities&) = delete;
  TlsAuthorities& operator=(const TlsAuthorities&) = delete;

  /// A handshake with `host`: its name goes along (SNI, RFC 6066 section 3) and must be in the certificate (RFC
  /// 9110 section 4.3.4). `literal`: it is an address, which is no server name. HTTP/1.1 is offered by ALPN.
  /// Null when memory has run out.
  SslHandle connect(const std::string& host, bool literal) const;

 private:
  TlsAuthorities() = default;
  std::unique_ptr<ssl_ctx_st, FreeSslContext> context_;
};

class TlsOutgoing final : public Transport {
 public:
  /// `socket` is connected, or about to be. `session` is of TlsAuthorities::connect; null: the handshake fails.
  TlsOutgoing(Fd socket, SslHandle session);

  int fd() const override { return socket_.get(); }
  IoResult handshake() override;
  IoResult read(std::span<std::byte> room) override;
  IoResult write(std::span<const iovec> pieces, bool more) override;
  /// Of a client no file is sent: Failed.
  IoResult send_file(std::span<const iovec> head, int file, std::uint64_t offset, std::size_t length) override;
  std::uint32_t unsent() const override { return 0; }
  void end_writing(bool peer_ended) override;
  bool has_pending() const override;
  const api::TlsFacts* tls() const override { return &facts_; }

  /// Why the handshake failed: "certificate has expired", or what the library says.
  const std::string& problem() const { return problem_; }

 private:
  Io judge(int result);
  void note_problem();

  Fd socket_;
  SslHandle session_;
  api::TlsFacts facts_;
  std::string problem_;
  bool broken_ = false;  // the library must not be asked again
};

}  // namespace holdfast::net
