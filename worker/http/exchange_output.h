// What an exchange asks of the wire protocol that carries it: implemented by HTTP/1 sessions and HTTP/2
// streams.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "worker/http/response_filter.h"

namespace holdfast::http {

class Exchange;

class ExchangeOutput {
 public:
  /// Serialises the head before it returns and takes the body over. `send_body` is false for HEAD and for
  /// statuses without content: then only the length is told, as far as it applies.
  virtual void start_response(Exchange& exchange, Response&& response, bool send_body) = 0;
  /// The body source that said Later has more.
  virtual void body_ready(Exchange& exchange) = 0;
  /// There is credit for request body bytes (again); the first time also sends 100 Continue where it is
  /// awaited.
  virtual void body_wanted(Exchange& exchange) = 0;
  /// Sends the parts one after the other as the next piece of a body whose source said Later, all of them or
  /// none. False: not now, or never this way; the source is to be asked, after body_ready().
  virtual bool send_now(Exchange& /*exchange*/, std::span<const std::string_view> /*parts*/) { return false; }
  /// The response cannot be completed: the peer must not take it for whole.
  virtual void reset(Exchange& exchange) = 0;
  virtual std::string peer_text() const = 0;
  virtual std::uint64_t connection_id() const = 0;

 protected:
  ~ExchangeOutput() = default;
};

}  // namespace holdfast::http
