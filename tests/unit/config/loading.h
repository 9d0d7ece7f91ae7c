// What the tests of the configuration share: a folder of their own, problems as lines, a smallest configuration
// to which one thing is added.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace holdfast::config {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-config-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::filesystem::path target = path_ / name;
    std::filesystem::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary) << text;
    return target.string();
  }

 private:
  std::filesystem::path path_;
};

inline constexpr std::string_view kSites = "sites: [{routes: [{path: /, hello: {}}]}]\n";

inline Loaded load_with_site(const std::string& text) {
  return load_text(text + std::string(kSites), "x.yaml");
}

inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.text());
  return texts;
}

inline std::vector<std::string> problems_of(const std::string& text) {
  return lines(load_text(text, "x.yaml").problems);
}

/// The problems of `text` with a smallest site behind it.
inline std::vector<std::string> problems_with_site(const std::string& text) {
  return lines(load_with_site(text).problems);
}

/// The problems of one route, written in flow style, in an otherwise good configuration; it stands in line 3,
/// column 7.
inline std::vector<std::string> problems_of_route(const std::string& route) {
  return problems_of("sites:\n  - routes:\n    - " + route + "\n");
}

}  // namespace holdfast::config
