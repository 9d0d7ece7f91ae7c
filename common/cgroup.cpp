#include "common/cgroup.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/ascii.h"

namespace holdfast::cgroup {
namespace {

/// Empty when there is no such file.
std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \n"));
}

/// The number behind `name` and a blank, at the beginning of a line.
std::optional<std::uint64_t> figure(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' '))
      return parse_decimal(first_word(line.substr(name.size() + 1)));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

/// The folders of our own group and of those around it, the own one first, for a controller ("cpu", "memory")
/// of version 1, or with an empty name of version 2. In a container the path is often that of the host, of
/// which the outermost folders only are to be seen here: those that do not exist have no files.
std::vector<std::string> folders_of(const Places& places, std::string_view controller) {
  const std::string membership = text_of(places.membership);
  std::vector<std::string> roots;
  if (controller.empty())
    roots = {places.mounts, places.mounts + "/unified"};
  else
    roots = {places.mounts + "/" + std::string(controller)};
  std::string path = "/";
  for (std::string_view rest = membership; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t names_at = line.find(':') + 1;
    const std::size_t path_at = line.find(':', names_at);
    if (names_at == 0 || path_at == std::string_view::npos || !line.substr(path_at + 1).starts_with('/'))
      continue;
    const std::string names = "," + std::string(line.substr(names_at, path_at - names_at)) + ",";
    if (names.find("," + std::string(controller) + ",") == std::string::npos) continue;
    path = line.substr(path_at + 1);
    // Controllers that are mounted together have a folder of both names, too.
    if (!controller.empty()) roots.push_back(places.mounts + "/" + names.substr(1, names.size() - 2));
  }
  std::vector<std::string> folders;
  for (;;) {
    for (const std::string& root : roots) folders.push_back(root + (path == "/" ? "" : path));
    if (path.size() <= 1) return folders;
    path.resize(std::max<std::size_t>(path.find_last_of('/'), 1));
  }
}

template <class T>
std::optional<T> least(std::optional<T> a, std::optional<T> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

/// The least number in files of that name; `files`: a controller and a name, as folders_of() takes it.
std::optional<std::uint64_t> least_of(const Places& places,
                                      std::initializer_list<std::pair<std::string_view, const char*>> files) {
  std::optional<std::uint64_t> limit;
  for (const auto& [controller, name] : files)
    for (const std::string& folder : folders_of(places, controller))
      limit = least(limit, parse_decimal(first_word(text_of(folder + "/" + name))));
  return limit;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return parse_cfs_quota(text.substr(0, blank), text.substr(blank + 1));
}

std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period) {
  const auto used = parse_decimal(first_word(quota));
  const auto of = parse_decimal(first_word(period));
  if (!used || !of || *used == 0 || *of == 0) return std::nullopt;
  return static_cast<double>(*used) / static_cast<double>(*of);
}

std::optional<double> cpu_limit(const Places& places) {
  std::optional<double> limit;
  for (const std::string& folder : folders_of(places, ""))
    limit = least(limit, parse_cpu_max(text_of(folder + "/cpu.max")));
  for (const std::string& folder : folders_of(places, "cpu"))
    limit = least(
        limit, parse_cfs_quota(text_of(folder + "/cpu.cfs_quota_us"), text_of(folder + "/cpu.cfs_period_us")));
  return limit;
}

std::optional<std::uint64_t> memory_limit(const Places& places) {
  // Version 1 writes the largest multiple of a page where there is no limit.
  constexpr std::uint64_t kNone = std::uint64_t{1} << 62;
  const auto limit = least_of(places, {{"", "memory.max"}, {"memory", "memory.limit_in_bytes"}});
  return limit && *limit < kNone ? limit : std::nullopt;
}

std::optional<std::uint64_t> process_limit(const Places& places) {
  return least_of(places, {{"", "pids.max"}, {"pids", "pids.max"}});
}

std::optional<std::uint64_t> oom_kills(const Places& places) {
  for (const std::string& folder : folders_of(places, ""))
    if (const auto count = figure(text_of(folder + "/memory.events"), "oom_kill")) return count;
  for (const std::string& folder : folders_of(places, "memory"))
    if (const auto count = figure(text_of(folder + "/memory.oom_control"), "oom_kill")) return count;
  return std::nullopt;
}

}  // namespace holdfast::cgroup
