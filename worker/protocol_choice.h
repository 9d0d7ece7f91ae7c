// Which protocol a connection speaks: what ALPN chose, and in clear what the client begins with.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "worker/http1/session.h"
#include "worker/http2/session.h"

namespace holdfast::worker {

/// Owns nothing: the factories outlive it.
class ProtocolChoice final : public net::ProtocolFactory {
 public:
  ProtocolChoice(http1::SessionFactory& http1, http2::SessionFactory& http2) : http1_(http1), http2_(http2) {}

  std::unique_ptr<net::Protocol> make(net::Connection& connection, std::string_view protocol) override {
    if (protocol == "h2") return http2_.make(connection, protocol);
    return http1_.make(connection, protocol);
  }
  /// Prior knowledge (RFC 9113 section 3.3), which over TLS is ALPN's.
  std::unique_ptr<net::Protocol> instead(net::Connection& connection,
                                         std::span<const std::byte> first) override {
    if (connection.listener().secure || !http2::SessionFactory::is_preface(first)) return nullptr;
    return http2_.make(connection, "h2");
  }

 private:
  http1::SessionFactory& http1_;
  http2::SessionFactory& http2_;
};

}  // namespace holdfast::worker
