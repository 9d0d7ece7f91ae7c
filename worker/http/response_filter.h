// What may change a response between its handler and the wire: fields set or removed, a body compressed. The
// filters of a route are made once from its configuration and stand in the order in which they apply; they keep
// nothing of an exchange in themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/api/body.h"
#include "common/api/request.h"

namespace holdfast::http {

class Exchange;

/// A response on its way. Views live until the exchange has been asked to respond, or as long as its memory.
struct Response {
  std::uint16_t status = 200;
  std::span<const api::Field> fields;
  api::Body body = api::Body::none();
  bool as_is = false;        // the handler has chosen the representation: body and coding stay
  bool hide_server = false;  // no Server field
  std::string_view text{};   // of `fields` as the handler gave them; who changes them need not care
};

class ResponseFilter {
 public:
  virtual ~ResponseFilter() = default;
  /// Changes the response in place; memory that it needs comes from the exchange. HEAD is treated as GET: the
  /// core drops the body afterwards.
  virtual void apply(Exchange& exchange, Response& response) const = 0;
};

using FilterChain = std::vector<std::unique_ptr<ResponseFilter>>;
/// One chain a route, in the order of the configuration's sites and their routes; behind those of its routes
/// each site has a chain for what no route answers.
using FilterTable = std::vector<std::vector<FilterChain>>;

}  // namespace holdfast::http
