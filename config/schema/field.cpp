#include "config/schema/field.h"

#include <map>
#include <memory>
#include <string>

#include "config/nearest_name.h"

namespace holdfast::config {
namespace {

std::string place_name(Reader& reader) {
  const std::string path = reader.path();
  return path.empty() ? "" : " in `" + path + "`";
}

/// Nothing fits a setting that is not available, but editors may still tell what it will be.
Node planned_schema(const RowInfo& row) {
  if (row.schema.kind != Node::Kind::Null) return row.schema;
  std::vector<Entry> entries{entry("not", mapping({}))};
  if (!row.children.empty()) entries.push_back(*schema_of(row.children).find("properties"));
  return mapping(std::move(entries));
}

Node schema_of_row(const RowInfo& row) {
  std::string description(row.help);
  if (!row.available) description += " Not available in this version.";
  Node schema = row.available ? row.schema : planned_schema(row);
  std::vector<Entry> entries{entry("description", text_node(description))};
  if (!row.fallback.empty() && row.children.empty())
    entries.push_back(entry("default", default_tree(row.fallback)));
  for (Entry& part : schema.entries) entries.push_back(std::move(part));
  return mapping(std::move(entries));
}

}  // namespace

void report_unknown_key(Reader& reader, const Entry& written, const std::vector<std::string_view>& known) {
  const std::string nearest = nearest_name(written.key, known);
  const std::string hint = known.empty()     ? "there is nothing to set here: write `{}`"
                           : nearest.empty() ? "known here: " + join_words(known, "and")
                                             : "did you mean `" + nearest + "`?";
  reader.problem(written.mark, "unknown key `" + shown(written.key) + "`" + place_name(reader) + "; " + hint);
}

bool check_section(Reader& reader, const Node& node) {
  if (node.kind == Node::Kind::Map || node.kind == Node::Kind::Null) return true;
  return reader.wrong(node, "must be a section with keys");
}

const Node& default_tree(std::string_view yaml) {
  static std::map<std::string_view, std::unique_ptr<Node>> trees;
  std::unique_ptr<Node>& tree = trees[yaml];
  if (!tree) {
    std::vector<TreeProblem> problems;
    tree = std::make_unique<Node>(parse_yaml(yaml, 0, problems));
  }
  return *tree;
}

bool is_blank(const RowInfo& info, const Node& node) {
  if (!info.fallback.empty()) return false;
  if (node.kind == Node::Kind::Scalar) return node.quoted && node.text.empty();
  return node.items.empty() && node.entries.empty();
}

Node schema_of(const std::vector<RowInfo>& rows) {
  std::vector<Entry> properties;
  std::vector<Node> required;
  for (const RowInfo& row : rows) {
    properties.push_back(entry(row.key, schema_of_row(row)));
    if (row.required) required.push_back(text_node(row.key));
  }
  std::vector<Entry> entries{entry("type", sequence({text_node("object"), text_node("null")})),
                             entry("properties", mapping(std::move(properties))),
                             entry("additionalProperties", word_node("false"))};
  if (!required.empty()) entries.push_back(entry("required", sequence(std::move(required))));
  return mapping(std::move(entries));
}

RowInfo planned_key(std::string_view key, std::string_view help) {
  RowInfo info;
  info.key = key;
  info.help = help;
  info.available = false;
  info.noun = "not available in this version";
  return info;
}

}  // namespace holdfast::config
