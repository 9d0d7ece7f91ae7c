#include "worker/sandbox/replaceable_path.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <string_view>

namespace holdfast::sandbox {
namespace {

constexpr int kMostLinks = 40;  // as the kernel has it

constexpr std::string_view kWideFolders[] = {
    "/",    "/bin",   "/boot",      "/dev",     "/etc",     "/home",    "/lib",     "/lib32", "/lib64",
    "/mnt", "/opt",   "/proc",      "/root",    "/run",     "/sbin",    "/sys",     "/tmp",   "/usr",
    "/var", "/media", "/usr/local", "/var/lib", "/var/log", "/var/run", "/var/tmp",
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::optional<std::string> target_of(const std::string& link) {
  std::array<char, PATH_MAX> text;
  const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
  if (length <= 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(length));
}

class Way {
 public:
  explicit Way(std::vector<std::string>& above) : above_(above) {}

  /// The real path of `path`, of which `at` is the real path of the folder that it starts from. Keeps the
  /// folder above each end that it comes to.
  std::string follow(std::string at, std::string_view path) {
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      const std::string_view name = path.substr(0, slash);
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (name.empty() || name == ".") continue;
      at = name == ".." ? parent_of(at) : step(at, name);
    }
    above_.push_back(parent_of(at));
    return at;
  }

 private:
  std::string step(const std::string& at, std::string_view name) {
    std::string next = at == "/" ? "/" : at + "/";
    next += name;
    const std::optional<std::string> target = target_of(next);
    if (!target || ++links_ > kMostLinks) return next;
    return follow(target->starts_with('/') ? "/" : at, *target);
  }

  std::vector<std::string>& above_;
  int links_ = 0;
};

}  // namespace

bool is_too_wide(const std::string& folder, const std::string& home) {
  if (std::ranges::find(kWideFolders, folder) != std::end(kWideFolders)) return true;
  return parent_of(folder) == "/home" || (!home.empty() && folder == home);
}

std::vector<std::string> folders_of(const std::string& path, const std::string& home) {
  std::vector<std::string> folders;
  std::string real = Way(folders).follow("/", path);
  std::erase_if(folders, [&home](const std::string& folder) { return is_too_wide(folder, home); });
  folders.push_back(std::move(real));
  std::ranges::sort(folders);
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
  return folders;
}

}  // namespace holdfast::sandbox
