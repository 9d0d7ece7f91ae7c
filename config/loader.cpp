#include "config/loader.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "config/cross_checks.h"
#include "config/include_files.h"
#include "config/schema/sections.h"
#include "config/source_text.h"

namespace holdfast::config {
namespace {

auto order_of(const Problem& problem) {
  return std::tie(problem.place.file, problem.place.line, problem.place.column, problem.message);
}

void sort_problems(std::vector<Problem>& problems) {
  std::sort(problems.begin(), problems.end(),
            [](const Problem& a, const Problem& b) { return order_of(a) < order_of(b); });
  const auto same = [](const Problem& a, const Problem& b) { return order_of(a) == order_of(b); };
  problems.erase(std::unique(problems.begin(), problems.end(), same), problems.end());
}

Loaded failed(const std::string& file, std::string message) {
  Loaded loaded;
  loaded.problems.push_back({Place{file, 0, 0}, std::move(message)});
  return loaded;
}

void read_root(Reader& reader, Node& root, Config& config) {
  if (root.kind == Node::Kind::Refused) return;
  if (root.kind == Node::Kind::Scalar)
    return reader.problem(root.mark,
                          "the file must hold a map of settings (`sites: ...`): a `:` is missing behind a key");
  if (root.kind != Node::Kind::Map && root.kind != Node::Kind::Null)
    return reader.problem(root.mark, "the file must hold a map of settings (`sites: ...`)");
  merge_includes(reader, root);
  read_section(reader, root, config_rows(), config);
  const Entry* const sites = root.find("sites");
  if (sites == nullptr || (sites->value.kind == Node::Kind::Sequence && sites->value.items.empty()))
    reader.problem(
        sites == nullptr ? Mark{} : sites->mark,
        "no `sites`: nothing would be served; a first one is `sites: [{routes: [{path: /*, files: {root: "
        "/var/www/html}}]}]`");
  cross_check(config, reader.problems());
  warn_across(config, reader.warnings());
}

Loaded load(std::string_view text, const std::string& name, const std::string& directory) {
  const auto config = std::make_shared<Config>();
  config->file = name;
  Reader reader(*config);
  Node root = parse_file(reader, text, reader.add_file(name, directory));
  read_root(reader, root, *config);
  Loaded loaded{nullptr, std::move(reader.problems()), std::move(reader.warnings())};
  sort_problems(loaded.problems);
  sort_problems(loaded.warnings);
  if (loaded.problems.empty()) loaded.config = config;
  return loaded;
}

/// The border that no exception passes: out of memory or a library's surprise becomes a problem like any other.
template <class Work>
Loaded guarded(const std::string& name, Work work) {
  try {
    return work();
  } catch (const std::exception& failure) {
    return failed(name, std::string("cannot be loaded: ") + failure.what());
  }
}

}  // namespace

std::string Problem::text() const {
  std::string out = place.file;
  if (place.line > 0) out += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  return out + ": " + message;
}

Loaded load_file(const std::string& file) {
  RecordedSources sources;
  Loaded loaded = guarded(file, [&] {
    const Result<std::string> text = read_source(file);
    if (!text) return failed(file, text.error().message());
    return load(*text, file, std::filesystem::path(file).parent_path().string());
  });
  loaded.sources = sources.take();
  return loaded;
}

Loaded load_text(std::string_view text, const std::string& name, const std::string& directory) {
  return guarded(name, [&] {
    if (text.size() > kMaxFileBytes) return failed(name, "is larger than 4 MiB");
    return load(text, name, directory);
  });
}

}  // namespace holdfast::config
