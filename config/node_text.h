// A tree as text: YAML for people, JSON for editors. Both load to the same tree again.
#pragma once

#include <string>

#include "config/yaml_tree.h"

namespace holdfast::config {

/// Block style; short lists and maps of plain values on one line. `${` in values is escaped.
std::string yaml_text(const Node& node);
/// The same on one line, whatever its length.
std::string yaml_line(const Node& node);
/// Indented JSON. Unquoted words stand as they are: numbers, true, false, null.
std::string json_text(const Node& node);

}  // namespace holdfast::config
