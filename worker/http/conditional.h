// Conditional requests (RFC 9110 section 13): does the client already have what it asks for, or has what it
// wants to change changed? Pure: fields and validators in, an outcome out.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include "common/api/request.h"

namespace holdfast::http {

/// What is known of the selected representation.
struct Validators {
  std::string_view etag;                     // with quotes, W/ when weak; empty: none
  std::optional<std::time_t> last_modified;  // as it would be sent, never later than now
  bool exists = true;                        // whether there is a representation at all (for `*`)
  std::string_view twin{};                   // another tag under which the same state went out; empty: none
};

enum class Precondition : std::uint8_t {
  Proceed,      // answer as if unconditional
  NotModified,  // 304 with ETag and Last-Modified
  Failed        // 412
};

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110
/// section 13.2.2. Only for requests that would otherwise succeed with 2xx. `now` is the wall clock (two-digit
/// years need it).
Precondition evaluate_preconditions(const api::Request& request, const Validators& validators, std::time_t now);

/// The tag that a 304 carries: the current one, or its twin, when that is what the client has.
std::string_view confirmed_etag(const api::Request& request, const Validators& validators);

/// True when a Range field may be honoured as far as If-Range is concerned (RFC 9110 section 13.1.5): there is
/// none, or its strong entity tag, or its date, is exactly the current one.
bool if_range_holds(const api::Request& request, const Validators& validators, std::time_t now);

/// Both tags strong and the same (RFC 9110 section 8.8.3.2).
bool strong_etag_match(std::string_view a, std::string_view b);
/// The same but for weakness.
bool weak_etag_match(std::string_view a, std::string_view b);

}  // namespace holdfast::http
