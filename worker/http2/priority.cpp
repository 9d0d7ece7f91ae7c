#include "worker/http2/priority.h"

#include "common/ascii.h"

namespace holdfast::http2 {

Priority priority_from(std::string_view value) {
  Priority priority;
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view member = trim_ows(value.substr(0, comma));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    // Members have no parameters that are known; those that are not known are passed over (section 4).
    const std::string_view name = trim_ows(member.substr(0, member.find(';')));
    if (name.size() == 3 && name.starts_with("u=") && name[2] >= '0' && name[2] <= '7')
      priority.urgency = static_cast<std::uint8_t>(name[2] - '0');
    if (name == "i" || name == "i=?1") priority.incremental = true;
    if (name == "i=?0") priority.incremental = false;
  }
  return priority;
}

}  // namespace holdfast::http2
