#include "config/include_files.h"

#include <glob.h>

#include <filesystem>
#include <set>

#include "config/schema/kind.h"
#include "config/source_text.h"
#include "config/sources.h"

namespace holdfast::config {
namespace {

/// A missing folder is no error for a pattern, so GLOB_ERR is not asked for.
std::vector<std::string> expand_pattern(const std::string& pattern) {
  if (std::optional<std::vector<std::string>> replayed = replayed_pattern(pattern)) return *replayed;
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  record_pattern(pattern, files);
  return files;
}

bool is_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

Entry& entry_of(Node& root, const Entry& like, Node::Kind kind) {
  for (Entry& entry : root.entries)
    if (entry.key == like.key) return entry;
  root.entries.push_back({like.key, like.mark, {}});
  root.entries.back().value.kind = kind;
  root.entries.back().value.mark = like.value.mark;
  return root.entries.back();
}

void merge_sites(Reader& reader, Node& root, Entry& included) {
  if (included.value.kind == Node::Kind::Null) return;
  if (included.value.kind != Node::Kind::Sequence) {
    const Reader::Step step(reader, included.key);
    reader.wrong(included.value, "must be a list");
    return;
  }
  Node& sites = entry_of(root, included, Node::Kind::Sequence).value;
  if (sites.kind == Node::Kind::Null) sites.kind = Node::Kind::Sequence;
  for (Node& site : included.value.items) sites.items.push_back(std::move(site));
}

void merge_listeners(Reader& reader, Node& root, Entry& included) {
  if (included.value.kind == Node::Kind::Null) return;
  if (included.value.kind != Node::Kind::Map) {
    const Reader::Step step(reader, included.key);
    reader.wrong(included.value, "must be a map of names to listeners");
    return;
  }
  Node& listeners = entry_of(root, included, Node::Kind::Map).value;
  if (listeners.kind == Node::Kind::Null) listeners.kind = Node::Kind::Map;
  for (Entry& listener : included.value.entries) {
    if (const Entry* const earlier = listeners.find(listener.key)) {
      const Place place = reader.place(earlier->mark);
      reader.problem(listener.mark, "listener `" + shown(listener.key) + "` exists already: " + place.file +
                                        ":" + std::to_string(place.line) + ":" + std::to_string(place.column));
    } else {
      listeners.entries.push_back(std::move(listener));
    }
  }
}

void merge_file(Reader& reader, Node& root, const std::string& path, const Mark& included_at) {
  const Result<std::string> text = read_source(path);
  if (!text) {
    reader.problem(included_at, "the included file " + shown(path) + " " + text.error().message());
    return;
  }
  const std::uint32_t file = reader.add_file(path, std::filesystem::path(path).parent_path().string());
  Node included = parse_file(reader, *text, file);
  if (included.kind == Node::Kind::Null || included.kind == Node::Kind::Refused) return;
  if (included.kind != Node::Kind::Map) {
    reader.problem(included.mark, "an included file must be a map with `sites` or `listeners`");
    return;
  }
  for (Entry& entry : included.entries) {
    if (entry.key == "sites") {
      merge_sites(reader, root, entry);
    } else if (entry.key == "listeners") {
      merge_listeners(reader, root, entry);
    } else {
      reader.problem(entry.mark, "`" + shown(entry.key) +
                                     "` cannot stand in an included file: it holds `sites` and "
                                     "`listeners` only");
    }
  }
}

void include_pattern(Reader& reader, Node& root, const Node& pattern, std::set<std::string>& done) {
  std::string text;
  if (!read_string(reader, pattern, text)) return;
  if (text.empty()) {
    reader.wrong(pattern, "must be a pattern of file names");
    return;
  }
  const std::string full = (std::filesystem::path(reader.directory(pattern.mark)) / text).string();
  const std::vector<std::string> files =
      is_pattern(text) ? expand_pattern(full) : std::vector<std::string>{full};
  for (const std::string& file : files)
    if (done.insert(file).second) merge_file(reader, root, file, pattern.mark);
}

}  // namespace

Node parse_file(Reader& reader, std::string_view text, std::uint32_t file) {
  std::vector<TreeProblem> problems;
  Node root = parse_yaml(text, file, problems);
  for (TreeProblem& problem : problems) reader.problem(problem.mark, std::move(problem.message));
  if (text.starts_with(kByteOrderMark))
    reader.warning({file, 1, 1}, "the file starts with a byte order mark, which is ignored");
  return root;
}

void merge_includes(Reader& reader, Node& root) {
  const Entry* const include = root.find("include");
  if (include == nullptr) return;
  const Reader::Step step(reader, include->key);
  const Node patterns = include->value;  // a copy: the tree grows while they are worked off
  std::set<std::string> done;
  if (patterns.kind != Node::Kind::Sequence) return include_pattern(reader, root, patterns, done);
  for (const Node& pattern : patterns.items) include_pattern(reader, root, pattern, done);
}

}  // namespace holdfast::config
