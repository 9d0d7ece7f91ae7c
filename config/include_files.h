// `include`: puts the sites and listeners of other files into the tree of the main one, before any row is read,
// so that rows and rules see one configuration whose values still know their own file.
#pragma once

#include "config/schema/reader.h"
#include "config/yaml_tree.h"

namespace holdfast::config {

/// Parses `text` of a file already known to the reader and passes its problems on.
Node parse_file(Reader& reader, std::string_view text, std::uint32_t file);

/// Reads what `root` includes. Patterns are relative to the folder of the main file and expand in sorted order.
void merge_includes(Reader& reader, Node& root);

}  // namespace holdfast::config
