#include "worker/http/accept.h"

#include "common/ascii.h"

namespace holdfast::http {
namespace {

/// 3: the very type, 2: type/*, 1: */*, 0: another type.
int specificity(std::string_view range, std::string_view media_type) {
  if (ascii_iequals(range, media_type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos || range.substr(slash) != "/*") return 0;
  return ascii_iequals(range.substr(0, slash + 1), media_type.substr(0, slash + 1)) ? 2 : 0;
}

}  // namespace

int quality_of_parameters(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view parameter = trim_ows(parameters.substr(0, end));
    if (parameter.size() > 2 && ascii_lower(parameter[0]) == 'q' && parameter[1] == '=')
      return parse_quality(parameter.substr(2));
    if (end == std::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return 1000;
}

int parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 1000;
  if (text.size() > 1 && text[1] != '.') return 1000;
  int value = (text[0] - '0') * 1000;
  int scale = 100;
  for (const char digit : text.substr(text.size() > 1 ? 2 : 1)) {
    if (!is_ascii_digit(digit)) return 1000;
    value += (digit - '0') * scale;
    scale /= 10;
  }
  return value > 1000 ? 1000 : value;
}

int accept_quality(std::string_view accept, std::string_view media_type) {
  if (trim_ows(accept).empty()) return 1000;
  int best = 0;
  int quality = 0;
  for_each_list_element(accept, [&](std::string_view element) {
    const std::size_t semicolon = element.find(';');
    const int fit = specificity(trim_ows(element.substr(0, semicolon)), media_type);
    if (fit <= best) return;
    best = fit;
    quality = semicolon == std::string_view::npos ? 1000 : quality_of_parameters(element.substr(semicolon + 1));
  });
  return quality;
}

}  // namespace holdfast::http
