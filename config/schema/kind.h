// Kinds of values: how one is read from YAML, printed, and described to people and editors. A row names its
// kind and its bounds; nothing else in the server knows how a duration or a size is written.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/endpoint.h"
#include "config/schema/reader.h"
#include "config/yaml_tree.h"

namespace holdfast::config {

/// When a changed setting takes effect.
enum class Takes : std::uint8_t { Now, NewWorkers, Restart };

/// A row as people and editors see it; the reference and the JSON Schema are made of these.
struct RowInfo {
  std::string_view key;
  std::string_view fallback;  // the default as it would be written; empty: none
  std::string_view help;
  std::string_view example;
  Takes takes = Takes::NewWorkers;
  bool available = true;
  bool required = false;
  bool located = false;    // the place of its value is kept for check_environment
  bool per_route = false;  // a route may set it for itself
  std::string noun;        // what a value is: "duration, 1s to 1h"
  Node schema;             // of the value
  std::vector<RowInfo> children;
  std::string_view children_in;  // "" for a section, "NAME." and "[]." for maps and lists of sections
};

template <class T>
struct Kind {
  std::string noun;
  Node schema;
  std::function<bool(Reader&, const Node&, T&)> read;  // false: not set, the reason is reported
  std::function<Node(const T&, const Config&)> write;
  std::vector<RowInfo> children = {};
  std::string_view children_in = {};
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Looks at a string and may put it into its normal form. Answers what is required of it ("must be ...") or
/// nothing.
using Check = std::function<std::string(std::string& value)>;

Kind<bool> boolean();
Kind<Milliseconds> duration(Milliseconds least, Milliseconds most);
/// In microseconds, for what is shorter than others: 100us, 5ms, 10s.
Kind<std::uint64_t> short_duration(std::uint64_t least, std::uint64_t most);
/// `off` is 0.
Kind<Milliseconds> duration_or_off(Milliseconds least, Milliseconds most);
Kind<std::uint64_t> size(std::uint64_t least, std::uint64_t most);
Kind<std::string> text(std::string noun, const Check& check);
/// A name for people, metrics and logs.
Kind<std::string> label();
Kind<Endpoint> endpoint();
/// A path; a relative one is taken from the folder of the file it is written in.
Kind<std::string> path_kind(std::string noun);
/// A map of names to strings, order kept; each entry goes through both checks.
Kind<Pairs> pairs(std::string noun, const Check& check_name, const Check& check_value);

std::string format_duration(Milliseconds value);
std::string format_short_duration(std::uint64_t microseconds);
std::string format_size(std::uint64_t bytes);

/// How the value would be written as a list.
std::string list_hint(const Node& node);
/// True when the node is the unquoted word.
bool is_word(const Node& node, std::string_view text);
/// Reads a string value: quoted or plain, not null.
bool read_string(Reader& reader, const Node& node, std::string& out);
/// Reads a plain decimal number.
bool read_count(Reader& reader, const Node& node, std::uint64_t least, std::uint64_t most, std::uint64_t& out);
std::string range_noun(std::string_view noun, std::string_view least, std::string_view most);

/// JSON Schema fragments. Values that are not strings may also be written as ${VARIABLE}.
Node schema_type(std::string_view type);
Node schema_pattern(std::string_view pattern);
Node schema_words(const std::vector<std::string_view>& words);
Node schema_any(std::vector<Node> choices);
Node schema_or_variable(Node schema);

template <class T>
Kind<T> count(T least, T most) {
  Node schema = schema_type("integer");
  schema.entries.push_back(entry("minimum", word_node(std::to_string(least))));
  schema.entries.push_back(entry("maximum", word_node(std::to_string(most))));
  return {range_noun("number", std::to_string(least), std::to_string(most)),
          schema_or_variable(std::move(schema)),
          [least, most](Reader& reader, const Node& node, T& out) {
            std::uint64_t value = 0;
            if (!read_count(reader, node, least, most, value)) return false;
            out = static_cast<T>(value);
            return true;
          },
          [](const T& value, const Config&) { return word_node(std::to_string(value)); }};
}

/// One of some words. Words of `planned` are known but not available yet.
template <class E>
struct Choices {
  std::vector<std::pair<std::string_view, E>> words;
  std::vector<std::string_view> planned = {};
};

std::string join_words(const std::vector<std::string_view>& words, std::string_view last);
bool wrong_choice(Reader& reader, const Node& node, const std::vector<std::string_view>& words);

template <class E>
Kind<E> choice(Choices<E> choices) {
  std::vector<std::string_view> words;
  for (const auto& [name, value] : choices.words) words.push_back(name);
  return {join_words(words, "or"), schema_words(words),
          [choices, words](Reader& reader, const Node& node, E& out) {
            for (const auto& [name, value] : choices.words)
              if (node.kind == Node::Kind::Scalar && node.text == name) return out = value, true;
            for (const std::string_view planned : choices.planned)
              if (node.kind == Node::Kind::Scalar && node.text == planned)
                return reader.unavailable_value(node);
            return wrong_choice(reader, node, words);
          },
          [choices](const E& value, const Config&) {
            for (const auto& [name, candidate] : choices.words)
              if (candidate == value) return word_node(name);
            return Node{};
          }};
}

/// Keeps where the value stands, in its member `place`.
template <class S>
Kind<S> with_place(Kind<S> kind) {
  kind.read = [read = kind.read](Reader& reader, const Node& node, S& out) {
    const bool good = read(reader, node, out);
    out.place = reader.place(node.mark);
    return good;
  };
  return kind;
}

template <class T>
Kind<std::vector<T>> list_of(Kind<T> item, std::size_t least = 0) {
  Node schema = schema_type("array");
  schema.entries.push_back(entry("items", item.schema));
  if (least > 0) schema.entries.push_back(entry("minItems", word_node(std::to_string(least))));
  std::vector<RowInfo> children = item.children;
  std::string noun = "list of: " + item.noun;
  return {std::move(noun),
          std::move(schema),
          [item, least](Reader& reader, const Node& node, std::vector<T>& out) {
            if (node.kind != Node::Kind::Sequence) return reader.wrong(node, "must be a list", list_hint(node));
            if (node.items.size() < least) return reader.wrong(node, "must not be empty");
            out.clear();
            bool good = true;
            for (const Node& element : node.items) {
              const Reader::Step step(reader, out.size());
              T value{};
              good = item.read(reader, element, value) && good;
              out.push_back(std::move(value));
            }
            return good;
          },
          [item](const std::vector<T>& values, const Config& config) {
            std::vector<Node> items;
            items.reserve(values.size());
            for (const T& value : values) items.push_back(item.write(value, config));
            return sequence(std::move(items));
          },
          std::move(children),
          "[]."};
}

}  // namespace holdfast::config
