// Whatever the text: no crash, and a date that is read is a date that can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/http_date.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::time_t kNow = 1'790'000'000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = holdfast::parse_http_date(text, kNow);
  if (!read) return 0;
  const holdfast::HttpDateText written = holdfast::format_http_date(*read);
  // A leap second at the end of the year 9999 is beyond what can be written.
  if (*read <= 253'402'300'799 && holdfast::parse_http_date({written.data(), written.size()}, kNow) != read)
    std::abort();
  return 0;
}
