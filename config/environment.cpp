#include "config/environment.h"

#include <cstdlib>

#include "common/ascii.h"
#include "config/source_text.h"
#include "config/yaml_tree.h"

namespace holdfast::config {
namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || is_ascii_digit(name.front())) return false;
  for (const char c : name)
    if (c != '_' && !is_ascii_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) return false;
  return true;
}

/// Puts in what stands between ${ and }.
void expand_one(std::string_view inside, Expanded& out) {
  const std::size_t split = inside.find(":-");
  const std::string name(inside.substr(0, split));
  if (!is_variable_name(name)) {
    out.problem =
        "`${" + shown(inside) + "}` names no environment variable (write `$${` for the characters themselves)";
    return;
  }
  const char* value = std::getenv(name.c_str());
  const bool has_default = split != std::string_view::npos;
  if (has_default && (value == nullptr || *value == '\0')) {
    out.text += inside.substr(split + 2);
  } else if (value == nullptr) {
    out.problem =
        "the environment variable `" + name + "` is not set (`${" + name + ":-DEFAULT}` gives a default)";
  } else if (first_bad_utf8(value) != std::string_view::npos) {
    out.problem = "the environment variable `" + name + "` is not valid UTF-8";
  } else {
    out.text += value;
  }
}

}  // namespace

Expanded expand_environment(std::string_view text) {
  Expanded out;
  while (out.problem.empty()) {
    const std::size_t dollar = text.find("${");
    if (dollar == std::string_view::npos) {
      out.text += text;
      break;
    }
    if (dollar > 0 && text[dollar - 1] == '$') {
      out.text.append(text.substr(0, dollar - 1)).append("${");
      text.remove_prefix(dollar + 2);
      continue;
    }
    out.text += text.substr(0, dollar);
    const std::size_t end = text.find('}', dollar);
    if (end == std::string_view::npos) {
      out.problem = "`${` without `}` (write `$${` for the characters themselves)";
      break;
    }
    expand_one(text.substr(dollar + 2, end - dollar - 2), out);
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string escape_environment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace holdfast::config
