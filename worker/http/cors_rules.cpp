#include "worker/http/cors_rules.h"

#include <algorithm>

#include "common/ascii.h"
#include "worker/http/field_rules.h"

namespace holdfast::http {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

bool names(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "https://*.example.org" fits one and more labels in front.
bool fits(std::string_view pattern, std::string_view origin) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == origin;
  const std::string_view scheme = pattern.substr(0, star);
  const std::string_view rest = pattern.substr(star + 1);
  if (!origin.starts_with(scheme) || !origin.ends_with(rest) || origin.size() <= scheme.size() + rest.size())
    return false;
  const std::string_view labels = origin.substr(scheme.size(), origin.size() - scheme.size() - rest.size());
  return labels.front() != '.' && labels.back() != '.' && labels.find_first_of("/:@") == std::string_view::npos;
}

}  // namespace

bool is_preflight(const api::Request& request) {
  return request.method == api::Method::Options && request.field("Origin") &&
         request.field("Access-Control-Request-Method");
}

CorsRules::CorsRules(const config::Cors& settings)
    : settings_(settings),
      any_(names(settings.origins, "*") && !settings.credentials),
      any_header_(names(settings.headers, "*")),
      methods_(joined(settings.methods)),
      headers_(joined(settings.headers)),
      expose_(joined(settings.expose)),
      max_age_(std::to_string(settings.max_age.count() / 1000)) {}

std::string_view CorsRules::allowed_origin(std::string_view origin) const {
  if (any_) return "*";
  const auto& all = settings_.origins;
  const bool allowed =
      is_safe_value(origin) &&
      std::any_of(all.begin(), all.end(), [origin](const std::string& one) { return fits(one, origin); });
  return allowed ? origin : std::string_view();
}

// With credentials `*` is a header of that name, so those that were asked for are repeated.
std::string_view CorsRules::headers(std::string_view asked) const {
  if (!any_header_) return headers_;
  bool tokens = true;
  for_each_list_element(asked, [&tokens](std::string_view name) { tokens = tokens && is_token(name); });
  return tokens ? asked : std::string_view();
}

}  // namespace holdfast::http
