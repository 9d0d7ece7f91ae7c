// Environment variables in values: ${NAME}, ${NAME:-default}; $${ stands for ${ itself.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::config {

struct Expanded {
  std::string text;
  std::string problem;  // not empty: what is wrong, naming the variable
};

/// As in a shell, the default is taken when the variable is unset or empty; unset without a default is a
/// problem.
Expanded expand_environment(std::string_view text);
/// The inverse for printing: text that expands to `text`.
std::string escape_environment(std::string_view text);

}  // namespace holdfast::config
