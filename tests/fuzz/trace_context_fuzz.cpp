// traceparent: the trace id is a piece of the field, in lower case hexadecimal, or nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/http/request_id.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const std::string_view trace = holdfast::http::trace_id_of(value);
  if (trace.empty()) return 0;
  if (trace.size() != 32 || trace.data() != value.data() + 3) std::abort();
  if (trace.find_first_not_of("0123456789abcdef") != std::string_view::npos ||
      !holdfast::http::is_request_id(trace))
    std::abort();
  return 0;
}
