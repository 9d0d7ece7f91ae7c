// From the schema's rows: the reference manual, the JSON Schema; from a tree: the effective configuration as
// YAML.
#pragma once

#include <string>

#include "config/config.h"

namespace holdfast::config {

/// YAML with every default filled in; loads again to the same tree. Secrets are not printed.
std::string effective_yaml(const Config& config);
/// JSON Schema (draft-07, which editors read best), one property a row.
std::string json_schema();
/// The manual of all settings, Markdown, one entry a row.
std::string reference();

}  // namespace holdfast::config
