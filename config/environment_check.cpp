#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/syslog.h"
#include "config/loader.h"

namespace holdfast::config {
namespace {

constexpr const char* kAccountHint =
    "`: create it, name another, or write \"\" to keep the identity of whoever starts the server";

class EnvironmentCheck {
 public:
  explicit EnvironmentCheck(const Config& config) : config_(config) {}

  std::vector<Problem> run() {
    // Only root can change its identity; anybody else keeps theirs and the settings mean nothing.
    if (::geteuid() == 0) check_accounts();
    check_folder("process.pid_file", config_.process.pid_file);
    check_log("log.error.to", config_.log.error.to);
    if (config_.log.access.enabled) check_log("log.access.to", config_.log.access.to);
    if (config_.process.sandbox != Sandbox::Off) check_wishes();
    return check_roots();
  }
  std::vector<Problem> check_roots() {
    for (std::size_t site = 0; site < config_.sites.size(); ++site)
      for (std::size_t route = 0; route < config_.sites[site].routes.size(); ++route) check_root(site, route);
    return std::move(problems_);
  }

 private:
  void problem(const std::string& setting, std::string message) {
    const auto written = config_.places.find(setting);
    const Place place = written == config_.places.end() ? Place{config_.file, 0, 0} : written->second;
    problems_.push_back({place, setting + ": " + std::move(message)});
  }
  void problem(const std::string& setting, const Error& error) {
    problem(setting, error.message());
    problems_.back().denied = error.kind == ErrorKind::Permission;
  }

  void check_accounts() {
    const Process& process = config_.process;
    if (!process.user.empty() && ::getpwnam(process.user.c_str()) == nullptr)
      problem("process.user", "there is no user `" + process.user + kAccountHint);
    if (process.user.empty() && !process.group.empty())
      problem("process.group", "has no effect without `process.user`: the workers keep the master's identity");
    if (!process.group.empty() && ::getgrnam(process.group.c_str()) == nullptr)
      problem("process.group", "there is no group `" + process.group + kAccountHint);
  }

  /// Words such as stderr and empty paths need no folder.
  void check_folder(const std::string& setting, const std::string& file) {
    if (!file.starts_with('/')) return;
    const std::string folder = std::filesystem::path(file).parent_path().string();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
      problem(setting, system_error(errno, "the folder " + folder));
    } else if (!S_ISDIR(status.st_mode)) {
      problem(setting, folder + " is not a folder");
    } else if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      problem(setting, system_error(errno, "writing in the folder " + folder));
    } else if (::stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      problem(setting, file + " is a folder, not a file");
    }
  }

  /// A log that is there need only be writable; one that is not is made.
  void check_log(const std::string& setting, const std::string& file) {
    if (const std::optional<std::string> socket = syslog_socket_of(file)) {
      if (const Result<Fd> syslog = open_syslog(*socket); !syslog) problem(setting, syslog.error());
      return;
    }
    struct stat status {};
    if (!file.starts_with('/') || ::stat(file.c_str(), &status) != 0 || S_ISDIR(status.st_mode))
      return check_folder(setting, file);
    if (::access(file.c_str(), W_OK) != 0) problem(setting, system_error(errno, "writing to " + file));
  }

  static std::string route_setting(std::size_t site, std::size_t route, const std::string& rest) {
    return "sites[" + std::to_string(site) + "].routes[" + std::to_string(route) + "]." + rest;
  }

  void check_wishes() {
    for (std::size_t site = 0; site < config_.sites.size(); ++site)
      for (std::size_t route = 0; route < config_.sites[site].routes.size(); ++route) {
        const SandboxWishes& wishes = config_.sites[site].routes[route].sandbox;
        check_there(route_setting(site, route, "sandbox.read"), wishes.read);
        check_there(route_setting(site, route, "sandbox.write"), wishes.write);
      }
  }

  /// What is not there when workers start cannot be given to them.
  void check_there(const std::string& setting, const std::vector<std::string>& paths) {
    struct stat status {};
    for (const std::string& path : paths)
      if (::stat(path.c_str(), &status) != 0) problem(setting, system_error(errno, path).message());
  }

  void check_root(std::size_t site, std::size_t route) {
    const auto* const files = std::get_if<FilesAction>(&config_.sites[site].routes[route].action);
    if (files == nullptr) return;
    const std::string setting = route_setting(site, route, "files.root");
    struct stat status {};
    if (::stat(files->root.c_str(), &status) != 0) {
      problem(setting, system_error(errno, files->root));
    } else if (!S_ISDIR(status.st_mode)) {
      problem(setting, files->root + " is not a folder");
    } else if (::access(files->root.c_str(), R_OK | X_OK) != 0) {
      problem(setting, system_error(errno, files->root));
    }
  }

  const Config& config_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> check_environment(const Config& config) {
  return EnvironmentCheck(config).run();
}

std::vector<Problem> check_document_roots(const Config& config) {
  return EnvironmentCheck(config).check_roots();
}

}  // namespace holdfast::config
