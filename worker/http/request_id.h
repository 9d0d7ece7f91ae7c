// Identifiers of requests, for logs of several machines: made here, or taken from a proxy in front.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/keyed_hash.h"

namespace holdfast::http {

/// Makes identifiers of 32 hexadecimal digits that do not repeat over processes and machines and do not tell
/// one from the other. No system call but at the start.
class RequestIds {
 public:
  using Text = std::array<char, 32>;
  RequestIds();
  Text next();

 private:
  HashSecret first_half_;
  HashSecret second_half_;
  std::uint64_t counter_ = 0;
};

/// Whether an identifier from outside may be passed on: 1 to 128 letters, digits, '.', '_', '-'.
bool is_request_id(std::string_view text);

/// The trace id of a `traceparent` field (W3C Trace Context, section 3.2): 32 hexadecimal digits in lower case,
/// not all 0; empty when the field is not valid.
std::string_view trace_id_of(std::string_view traceparent);
/// Whether `text` can be a trace id, as those can that are made here.
bool is_trace_id(std::string_view text);

}  // namespace holdfast::http
