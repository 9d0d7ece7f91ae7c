// YAML as a tree in which every value knows where it was written and whether it was quoted. Strict where YAML
// is a trap: duplicate keys, anchors, aliases, merge keys, tags, several documents and unclosed quotes are
// problems, not values. The only place that talks to the YAML library; no exception leaves it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

/// A position in one of the files being loaded; counted from 1; line 0: no position (a default).
struct Mark {
  std::uint32_t file = 0;  // index into the loader's list of files
  int line = 0;
  int column = 0;  // in characters, a tab counts one
};

struct Entry;

struct Node {
  enum class Kind : std::uint8_t {
    Null,
    Scalar,
    Sequence,
    Map,
    Refused,  // a problem has been reported for it: readers pass over it
  };
  Kind kind = Kind::Null;
  bool quoted = false;  // Scalar: never a number, a boolean or a word with a meaning
  Mark mark;            // of a null value: its key's
  std::string text;     // Scalar, UTF-8, environment variables already put in
  std::vector<Node> items;
  std::vector<Entry> entries;  // Map, in the order of the file

  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Mark mark;
  Node value;
};

Node word_node(std::string_view text);  // a plain scalar: number, boolean, name
Node text_node(std::string_view text);  // a string, whatever it looks like
Node sequence(std::vector<Node> items);
Node mapping(std::vector<Entry> entries);
inline Entry entry(std::string_view key, Node value) {
  return {std::string(key), {}, std::move(value)};
}

struct TreeProblem {
  Mark mark;
  std::string message;
};

inline constexpr std::size_t kMaxNesting = 32;
inline constexpr std::size_t kMaxFileBytes = 4 << 20;

/// Parses one document. Problems are appended; the tree is what could be read in spite of them (Refused at the
/// root when the text is no YAML at all, Null when it is empty). `file` goes into every mark.
Node parse_yaml(std::string_view text, std::uint32_t file, std::vector<TreeProblem>& problems);

/// `text` for a message: control bytes as \xHH, cut after so many bytes.
std::string shown(std::string_view text, std::size_t longest = 60);

}  // namespace holdfast::config
