// Which body length rule applies to a request, whether the connection persists, and which messages are refused
// because their framing is ambiguous (RFC 9112 sections 3.2, 6, 9.3; RFC 9110 sections 8.6, 10.1.1). Pure;
// decided once a request.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/api/request.h"
#include "common/stats/metric_table.h"

namespace holdfast::http {

/// Tunnel: all that comes, until the peer's end; after a change of protocol (RFC 9110 section 7.8).
enum class BodyRule : std::uint8_t { None, Length, Chunked, Tunnel };

struct Framing {
  BodyRule body = BodyRule::None;
  bool keep_alive = true;
  bool expects_continue = false;
  std::uint64_t length = 0;  // BodyRule::Length
  std::string_view host;     // the Host field's value with its port; empty when there was none
};

/// Fills `framing`, or answers why the request is refused. `fields` are syntactically valid.
std::optional<stats::BadRequest> frame_request(api::Method method, api::Version version,
                                               std::span<const api::Field> fields, Framing& framing);

/// The status that a refusal is answered with: the one table of reasons.
std::uint16_t status_of(stats::BadRequest why);

}  // namespace holdfast::http
