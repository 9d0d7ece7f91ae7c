#include "master/own_binary.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace holdfast::master {
namespace {

constexpr const char* kOwnLink = "/proc/self/exe";

std::string joined(std::string_view folder, std::string_view name) {
  return (std::filesystem::path(folder) / name).lexically_normal().string();
}

std::string target_of_own_link() {
  std::error_code error;
  return std::filesystem::read_symlink(kOwnLink, error).string();
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

std::vector<std::string> possible_paths(const CalledAs& called) {
  std::vector<std::string> paths;
  if (called.name.find('/') != std::string_view::npos) {
    paths.push_back(joined(called.folder, called.name));
  } else if (!called.name.empty()) {
    for (std::string_view rest = called.search_path; !rest.empty();) {
      const std::size_t end = std::min(rest.find(':'), rest.size());
      const std::string_view folder = rest.substr(0, end);
      // An empty entry is the working directory.
      paths.push_back(joined(joined(called.folder, folder), called.name));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  constexpr std::string_view kGone = " (deleted)";
  std::string_view linked = called.linked;
  if (linked.ends_with(kGone)) linked.remove_suffix(kGone.size());
  if (!linked.empty()) paths.emplace_back(linked);
  return paths;
}

OwnBinary OwnBinary::of_this_process(int argc, char** argv) {
  OwnBinary own;
  own.arguments.assign(argv, argv + argc);
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  const char* const search_path = getenv("PATH");
  const std::string linked = target_of_own_link();
  const std::vector<std::string> paths =
      possible_paths({argc > 0 ? argv[0] : "", folder, search_path == nullptr ? "" : search_path, linked});
  struct stat running {};
  const bool is_known = stat(kOwnLink, &running) == 0;
  for (const std::string& path : paths) {
    struct stat named {};
    if (stat(path.c_str(), &named) != 0 || !S_ISREG(named.st_mode)) continue;
    if (is_known && !is_same_file(named, running)) continue;
    own.path = path;
    break;
  }
  if (own.path.empty() && !paths.empty()) own.path = paths.back();
  own.file = Fd(open(is_known ? kOwnLink : own.path.c_str(), O_PATH | O_CLOEXEC));
  return own;
}

}  // namespace holdfast::master
