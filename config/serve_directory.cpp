// The configuration that `holdfast serve` runs with: the tree somebody would write for it, read through the
// same rows.
#include <algorithm>
#include <filesystem>

#include "config/loader.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::uint32_t kMostWorkers = 2;  // it serves one person

Node serve_tree(const std::string& root, const Endpoint& endpoint) {
  const Node process = mapping({entry("user", text_node("")), entry("pid_file", word_node("off"))});
  const Node access = mapping({entry("to", word_node("stdout")), entry("format", word_node("terse"))});
  const Node listener = mapping({entry("bind", text_node(endpoint.text()))});
  const Node files = mapping({entry("root", text_node(root)), entry("listing", word_node("true"))});
  const Node route = mapping({entry("path", text_node("/*")), entry("files", files)});
  return mapping({entry("process", process), entry("log", mapping({entry("access", access)})),
                  entry("admin", word_node("off")), entry("listeners", mapping({entry("http", listener)})),
                  entry("sites", sequence({mapping({entry("routes", sequence({route}))})}))});
}

}  // namespace

Loaded serve_directory(const std::string& directory, const std::string& listen) {
  Loaded loaded;
  std::error_code failure;
  const std::filesystem::path root = std::filesystem::canonical(directory, failure);
  if (failure) {
    loaded.problems.push_back({Place{directory, 0, 0}, failure.message()});
  } else if (!std::filesystem::is_directory(root, failure)) {
    loaded.problems.push_back({Place{directory, 0, 0}, "is not a directory"});
  }
  const Result<Endpoint> endpoint = Endpoint::parse(listen);
  if (!endpoint) loaded.problems.push_back({Place{"--listen", 0, 0}, endpoint.error().message()});
  if (!loaded.problems.empty()) return loaded;
  const auto config = std::make_shared<Config>();
  Reader reader(*config);
  reader.add_file(directory, "");
  read_section(reader, serve_tree(root.string(), *endpoint), config_rows(), *config);
  config->process.workers_auto = false;
  config->process.workers = std::min(config->process.workers, kMostWorkers);
  loaded.problems = std::move(reader.problems());
  if (loaded.problems.empty()) loaded.config = config;
  return loaded;
}

}  // namespace holdfast::config
