// Dates as HTTP writes and reads them (RFC 9110 section 5.6.7).
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string_view>

namespace holdfast {

using HttpDateText = std::array<char, 29>;

/// IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT", always 29 bytes.
HttpDateText format_http_date(std::time_t seconds);
/// Reads all three forms (IMF-fixdate, RFC 850, asctime); two-digit years are taken to lie within 50 years
/// after `now`.
std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now);

}  // namespace holdfast
