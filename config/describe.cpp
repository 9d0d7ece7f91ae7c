#include "config/describe.h"

#include "config/node_text.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kSince = "0.1.0";  // every row of this version came with the first one

std::string_view effect_of(Takes takes) {
  switch (takes) {
    case Takes::Now:
      return "a reload applies it at once";
    case Takes::NewWorkers:
      return "a reload applies it with the new workers";
    case Takes::Restart:
      return "needs a restart";
  }
  return "";
}

void append_entry(std::string& out, const RowInfo& row, const std::string& path) {
  out.append("## `").append(path).append("`\n\n").append(row.help).append("\n\n");
  if (!row.available) {
    out += row.schema.kind == Node::Kind::Null
               ? "- Not available in this version: refused where it is written.\n\n"
               : "- Not available in this version: only what asks for nothing is taken.\n\n";
    return;
  }
  out.append("- Type: ").append(row.noun).append("\n");
  if (row.required) {
    out += "- Required.\n";
  } else if (!row.fallback.empty() && row.fallback != "{}") {
    out.append("- Default: `").append(row.fallback).append("`\n");
  } else {
    out += row.fallback.empty() ? "- Default: none\n" : "- Default: that of each key\n";
  }
  const std::string_view example = row.example.empty() ? row.fallback : row.example;
  if (!example.empty() && row.children.empty())
    out.append("- Example: `").append(row.key).append(": ").append(example).append("`\n");
  out.append("- Change: ").append(effect_of(row.takes)).append("\n");
  out.append("- Since: ").append(kSince).append("\n\n");
}

void append_entries(std::string& out, const std::vector<RowInfo>& rows, const std::string& prefix) {
  for (const RowInfo& row : rows) {
    const std::string path = prefix + std::string(row.key);
    append_entry(out, row, path);
    const bool attached = row.children_in.starts_with('[');
    const std::string_view inside = row.children_in.empty() ? std::string_view(".") : row.children_in;
    append_entries(out, row.children,
                   path +
                       (attached                  ? ""
                        : row.children_in.empty() ? ""
                                                  : ".") +
                       std::string(inside));
  }
}

/// ${NAME} and ${NAME:-default}, wherever a value is not a free string.
Node variable_schema() {
  return mapping({entry("description", text_node("A value from the environment.")),
                  entry("type", text_node("string")),
                  entry("pattern", text_node("\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}"))});
}

}  // namespace

std::string effective_yaml(const Config& config) {
  const std::string name = config.file.empty() ? "holdfast serve" : shown(config.file);
  return "# The effective configuration of " + name + "\n" +
         yaml_text(write_section(config, config_rows(), config));
}

std::string json_schema() {
  Node schema = schema_of(infos_of(config_rows()));
  std::vector<Entry> entries{entry("$schema", text_node("http://json-schema.org/draft-07/schema#")),
                             entry("title", text_node("Configuration of holdfast " HOLDFAST_VERSION))};
  for (Entry& part : schema.entries) entries.push_back(std::move(part));
  entries.push_back(entry("definitions", mapping({entry("variable", variable_schema())})));
  return json_text(mapping(std::move(entries)));
}

std::string reference() {
  std::string out =
      "# Settings of holdfast\n\n"
      "The configuration is YAML. Durations have a unit (`250ms`, `30s`, `5m`, `1h`, `1d`), sizes are bytes or "
      "have a binary "
      "unit (`512`, `64KiB`, `1MiB`, `1GiB`), booleans are `true` or `false`. `${NAME}` in a value is the "
      "environment "
      "variable, `${NAME:-default}` falls back, `$${` stands for `${`. Unknown and duplicate keys, aliases and "
      "wrong types "
      "are errors.\n\n";
  append_entries(out, infos_of(config_rows()), "");
  return out;
}

}  // namespace holdfast::config
