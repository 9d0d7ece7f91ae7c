#include "common/ascii.h"
#include "config/schema/kind.h"

namespace holdfast::config {

Node schema_type(std::string_view type) {
  return mapping({entry("type", text_node(type))});
}

Node schema_pattern(std::string_view pattern) {
  return mapping({entry("type", text_node("string")), entry("pattern", text_node(pattern))});
}

Node schema_words(const std::vector<std::string_view>& words) {
  std::vector<Node> items;
  for (const std::string_view text : words)
    items.push_back(parse_decimal(text) ? word_node(text) : text_node(text));
  return schema_or_variable(mapping({entry("enum", sequence(std::move(items)))}));
}

Node schema_any(std::vector<Node> choices) {
  return mapping({entry("anyOf", sequence(std::move(choices)))});
}

Node schema_or_variable(Node schema) {
  return schema_any({std::move(schema), mapping({entry("$ref", text_node("#/definitions/variable"))})});
}

}  // namespace holdfast::config
