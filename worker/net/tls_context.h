// What a TLS listener speaks and shows: certificates and which name picks which, versions, ciphers, ALPN.
// Handshakes only read it; certificates may be renewed between them, without those that are not concerned being
// read again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/config.h"
#include "worker/net/tls_certificate.h"
#include "worker/net/tls_staple.h"
#include "worker/net/tls_tickets.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace holdfast::net {

struct FreeSslContext {
  void operator()(ssl_ctx_st* context) const noexcept;
};
struct FreeSsl {
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

  /// For handshakes that begin from now on: `settings` with other texts in its files. On failure, as above, all
  /// stays as it was.
  Result<void> renew(const config::Tls& settings);

  /// The server's side of a connection, without anything to read from; null when memory has run out. This
  /// context outlives it.
  SslHandle accept() const;

  /// Certificates of the same names, which differ by their keys.
  struct Group {
    std::vector<std::string> names;  // sorted, lower case
    std::vector<const TlsCertificate*> certificates;
  };
  /// Those for `name`, as clients send it; null: the default ones are to be shown.
  const Group* find(std::string_view name) const;
  const Group& fallback() const { return groups_.front(); }
  bool strict() const { return strict_; }
  bool http2() const { return http2_; }
  /// What is sent along with that certificate, as the library holds it; null: nothing that is still good.
  const std::string* staple_of(const x509_st* certificate, WallTime now) const;
  const tickets::TicketKeys* ticket_keys() const { return tickets_.keys; }

 private:
  using Handle = std::unique_ptr<ssl_ctx_st, FreeSslContext>;
  /// What the files of one certificate hold.
  struct Loaded {
    std::uint64_t fingerprint;  // of their texts
    TlsCertificate certificate;
    std::vector<std::string> names;
    std::optional<Staple> staple;
  };
  using LoadedList = std::vector<std::unique_ptr<const Loaded>>;

  TlsContext() = default;
  Result<std::unique_ptr<const Loaded>> load(const config::Certificate& files, std::uint64_t fingerprint) const;
  Result<LoadedList> load_changed(const config::Tls& settings) const;
  void arrange();
  Result<Handle> make_handle(const config::Tls& settings, const LoadedList& changed) const;
  Handle make_bare(config::TlsVersion least) const;

  LoadedList loaded_;                                         // in the order of the configuration
  std::deque<Group> groups_;                                  // the first is the default
  std::map<std::string, const Group*, std::less<>> by_name_;  // "*.example.org" as it is written
  std::map<const x509_st*, const Staple*> staples_;
  Handle handle_;  // shows the default
  bool strict_ = false;
  bool http2_ = false;
  Tickets tickets_;
};

}  // namespace holdfast::net
