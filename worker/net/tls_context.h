// What a TLS listener speaks and shows: certificates and which name picks which, versions, ciphers, ALPN. Made
// once from the configuration; handshakes only read it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/config.h"
#include "worker/net/tls_staple.h"
#include "worker/net/tls_tickets.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace holdfast::net {

struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const noexcept;
};
/// Tells the context of its end.
struct FreeSsl {
  std::uint32_t* users = nullptr;
  void operator()(ssl_st* session) const noexcept;
};
using SslHandle = std::unique_ptr<ssl_st, FreeSsl>;

class TlsContext {
 public:
  /// Fails with a message that names file and place of a certificate or key that cannot be used.
  /// Keys of tickets outlive it; without (a trial) every handshake is a full one.
  /// `http2`: ALPN offers it, before HTTP/1.1.
  static Result<std::unique_ptr<TlsContext>> make(const config::Tls& settings, const Tickets& tickets = {},
                                                  bool http2 = false);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// The server's side of a connection, without anything to read from; null when memory has run out. It refers
  /// to this context.
  SslHandle accept();
  /// How many sessions refer to it.
  std::uint32_t users() const { return users_; }

  /// The certificates for `name`, as clients send it; null: the default is to be shown. For tests and SNI.
  ssl_ctx_st* find(std::string_view name) const;
  bool strict() const { return strict_; }
  bool http2() const { return http2_; }
  /// What is sent along with that certificate, as the library holds it; null: nothing that is still good.
  const std::string* staple_of(const x509_st* certificate, WallTime now) const;
  const tickets::TicketKeys* ticket_keys() const { return tickets_.keys; }

 private:
  using Handle = std::unique_ptr<ssl_ctx_st, FreeSslContext>;
  struct Group {
    std::vector<std::string> names;  // sorted, lower case
    Handle context;
  };

  TlsContext() = default;
  Result<void> add(const config::Certificate& certificate, const config::Tls& settings);
  Result<Group*> group_of(std::vector<std::string> names, const config::Tls& settings);
  Handle make_context(config::TlsVersion least);

  std::vector<std::unique_ptr<Group>> groups_;  // certificates of the same names; the first is the default
  std::map<std::string, ssl_ctx_st*, std::less<>> by_name_;  // "*.example.org" as it is written
  std::map<const x509_st*, Staple> staples_;                 // of certificates that the groups hold
  std::uint32_t users_ = 0;
  bool strict_ = false;
  bool http2_ = false;
  Tickets tickets_;
};

}  // namespace holdfast::net
