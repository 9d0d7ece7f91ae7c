// Request heads: the same outcome however the bytes arrive, views inside the input, nothing accepted that the
// grammar forbids.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "common/ascii.h"
#include "worker/http/head_lines.h"
#include "worker/http1/request_parser.h"

namespace {

using namespace holdfast;
using namespace holdfast::http1;

void require(bool holds) {
  if (!holds) std::abort();
}

bool inside(std::string_view view, std::string_view whole) {
  return view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size();
}

void check(const Parsed& parsed, std::string_view input, const HeadLimits& limits) {
  require(parsed.consumed >= 4 && parsed.consumed <= input.size());
  const std::string_view used = input.substr(0, parsed.consumed);
  require(used.ends_with("\r\n\r\n") || used == "\r\n\r\n");
  require(is_token(parsed.head.method) && inside(parsed.head.method, used));
  require(!parsed.head.target.empty() && inside(parsed.head.target, used));
  require(parsed.head.target.find_first_of(std::string_view(" \t\r\n\0", 5)) == std::string_view::npos);
  require(parsed.head.fields.size() <= limits.field_count);
  for (const api::Field& field : parsed.head.fields) {
    require(is_token(field.name) && inside(field.name, used) && inside(field.value, used));
    require(http::is_field_value(field.value) && trim_ows(field.value) == field.value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte chooses the limits and how the rest is cut.
  const HeadLimits limits = (data[0] & 1) != 0 ? HeadLimits{40, 80, 4} : HeadLimits{8192, 32768, 100};
  const std::size_t step = 1 + (data[0] >> 1) % 16;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::vector<api::Field> storage(limits.field_count);
  std::size_t scanned = 0;
  const ParseResult whole = parse_request_head(input, scanned, limits, storage);
  if (const auto* parsed = std::get_if<Parsed>(&whole)) check(*parsed, input, limits);

  std::size_t scanned_growing = 0;
  for (std::size_t end = 0; end < input.size();) {
    end = std::min(end + step, input.size());
    const ParseResult grown = parse_request_head(input.substr(0, end), scanned_growing, limits, storage);
    if (std::holds_alternative<NeedMore>(grown)) {
      // What waits for more is bounded.
      require(end <= limits.request_line + limits.fields + 16);
      if (end == input.size()) require(std::holds_alternative<NeedMore>(whole));
      continue;
    }
    require(grown.index() == whole.index());
    if (const auto* parsed = std::get_if<Parsed>(&grown))
      require(parsed->consumed == std::get<Parsed>(whole).consumed);
    break;
  }
  return 0;
}
