#include "config/node_text.h"

#include <array>

#include "common/ascii.h"
#include "common/log.h"
#include "config/environment.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kLongestLine = 100;

bool is_leaf(const Node& node) {
  return node.kind == Node::Kind::Scalar || node.kind == Node::Kind::Null;
}

bool is_empty(const Node& node) {
  return node.items.empty() && node.entries.empty();
}

/// Text that every YAML reader takes as this very string without quotes.
bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 9> kMeaning{"true", "false", "null", "yes", "no",
                                                     "on",   "off",   "y",    "n"};
  if (text.empty() || text.size() > kLongestLine) return false;
  for (const std::string_view word : kMeaning)
    if (ascii_iequals(text, word)) return false;
  const char first = ascii_lower(text.front());
  if (first != '/' && !(first >= 'a' && first <= 'z')) return false;
  for (const char c : text)
    if (!is_ascii_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
        std::string_view("/._-").find(c) == std::string_view::npos)
      return false;
  return true;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

std::string yaml_scalar(const Node& node) {
  if (node.kind == Node::Kind::Null) return "null";
  if (!node.quoted || is_plain(node.text)) return node.text;
  return in_quotes(escape_environment(node.text));
}

std::string yaml_key(const std::string& key) {
  return is_plain(key) ? key : in_quotes(key);
}

std::string yaml_flow(const Node& node) {
  if (is_leaf(node)) return yaml_scalar(node);
  std::string out;
  for (const Node& item : node.items) out.append(out.empty() ? "" : ", ").append(yaml_flow(item));
  for (const Entry& entry : node.entries)
    out.append(out.empty() ? "" : ", ").append(yaml_key(entry.key)).append(": ").append(yaml_flow(entry.value));
  return node.kind == Node::Kind::Map ? "{" + out + "}" : "[" + out + "]";
}

bool fits_one_line(const Node& node, std::size_t indent) {
  if (is_leaf(node) || is_empty(node)) return true;
  for (const Node& item : node.items)
    if (!is_leaf(item)) return false;
  for (const Entry& entry : node.entries)
    if (!is_leaf(entry.value)) return false;
  return yaml_flow(node).size() + indent <= kLongestLine;
}

void append_yaml(std::string& out, const Node& node, std::size_t indent);

void append_yaml_value(std::string& out, const Node& value, std::size_t indent) {
  if (fits_one_line(value, indent)) {
    out.append(" ").append(yaml_flow(value)).append("\n");
    return;
  }
  out += "\n";
  append_yaml(out, value, indent + 2);
}

void append_yaml(std::string& out, const Node& node, std::size_t indent) {
  const std::string margin(indent, ' ');
  for (const Entry& entry : node.entries) {
    out.append(margin).append(yaml_key(entry.key)).append(":");
    append_yaml_value(out, entry.value, indent);
  }
  for (const Node& item : node.items) {
    if (fits_one_line(item, indent)) {
      out.append(margin).append("- ").append(yaml_flow(item)).append("\n");
      continue;
    }
    // The first line of the item stands behind its dash.
    std::string block;
    append_yaml(block, item, indent + 2);
    block[indent] = '-';
    out += block;
  }
}

void append_json(std::string& out, const Node& node, std::size_t indent) {
  if (node.kind == Node::Kind::Null || node.kind == Node::Kind::Refused) {
    out += "null";
  } else if (node.kind == Node::Kind::Scalar) {
    const bool is_literal =
        !node.quoted && (node.text == "true" || node.text == "false" || parse_decimal(node.text));
    out += is_literal ? node.text : in_quotes(node.text);
  } else if (is_empty(node)) {
    out += node.kind == Node::Kind::Map ? "{}" : "[]";
  } else {
    const std::string margin(indent + 2, ' ');
    out += node.kind == Node::Kind::Map ? "{\n" : "[\n";
    std::string separator;
    for (const Node& item : node.items) {
      out.append(std::exchange(separator, ",\n")).append(margin);
      append_json(out, item, indent + 2);
    }
    for (const Entry& entry : node.entries) {
      out.append(std::exchange(separator, ",\n")).append(margin).append(in_quotes(entry.key)).append(": ");
      append_json(out, entry.value, indent + 2);
    }
    out.append("\n").append(indent, ' ').append(node.kind == Node::Kind::Map ? "}" : "]");
  }
}

}  // namespace

std::string yaml_text(const Node& node) {
  std::string out;
  append_yaml(out, node, 0);
  return out;
}

std::string yaml_line(const Node& node) {
  return yaml_flow(node);
}

std::string json_text(const Node& node) {
  std::string out;
  append_json(out, node, 0);
  return out + "\n";
}

}  // namespace holdfast::config
