#include "worker/sandbox/landlock_rules.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "worker/sandbox/replaceable_path.h"

namespace holdfast::sandbox {
namespace {

// What the C library and OpenSSL look at in every worker.
constexpr std::string_view kOfLibraries[] = {
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    "/usr/share/crypto-policies",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/mime.types",
    "/proc/self",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/random",
    "/dev/urandom",
};

// Where names of hosts are looked up.
constexpr std::string_view kOfNames[] = {
    "/etc/hosts",    "/etc/host.conf", "/etc/nsswitch.conf",   "/etc/resolv.conf", "/etc/gai.conf",
    "/etc/services", "/etc/protocols", "/run/systemd/resolve", "/run/resolvconf",  "/run/NetworkManager",
};

// Whom outgoing calls over TLS trust.
constexpr std::string_view kOfTrust[] = {
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted",
    "/usr/share/ca-certificates",
    "/usr/share/pki",
    "/usr/local/share/ca-certificates",
};

class Rules {
 public:
  void add(std::string path, Access access = Access::Read) {
    PathRule rule{std::move(path), access};
    if (!rule.path.empty() && std::ranges::find(rules_, rule) == rules_.end())
      rules_.push_back(std::move(rule));
  }
  template <std::size_t Size>
  void add(const std::string_view (&paths)[Size]) {
    for (const std::string_view path : paths) add(std::string(path));
  }
  /// "A:B:C", as variables have it.
  void add_list(std::string_view paths) {
    while (!paths.empty()) {
      const std::size_t colon = std::min(paths.find(':'), paths.size());
      if (paths.starts_with('/')) add(std::string(paths.substr(0, colon)));
      paths.remove_prefix(std::min(colon + 1, paths.size()));
    }
  }
  void add_replaceable(const std::string& path, const std::string& home) {
    for (std::string& folder : folders_of(path, home)) add(std::move(folder));
  }
  std::vector<PathRule> take() && { return std::move(rules_); }

 private:
  std::vector<PathRule> rules_;
};

bool looks_up_names(const config::Action& action) {
  if (const auto* const chat = std::get_if<config::ChatAction>(&action)) return !chat->broker.host.empty();
  return std::holds_alternative<config::ModuleAction>(action);
}

void add_libraries(Rules& rules, const Variable& variable) {
  rules.add(kOfLibraries);
  rules.add("/dev/null", Access::Update);
  rules.add("/dev/zero");
  rules.add(variable("OPENSSL_CONF"));
  rules.add_list(variable("LD_LIBRARY_PATH"));
}

void add_trust(Rules& rules, const Variable& variable) {
  rules.add(kOfTrust);
  rules.add(variable("SSL_CERT_FILE"));
  rules.add_list(variable("SSL_CERT_DIR"));
}

class Adder {
 public:
  Adder(Rules& rules, const Variable& variable) : rules_(rules), variable_(variable), home_(variable("HOME")) {}

  void add(const config::Action& action) {
    std::visit([this](const auto& one) { add_one(one); }, action);
    if (looks_up_names(action)) rules_.add(kOfNames);
  }

 private:
  void add_one(const config::FilesAction& files) {
    // Links to wherever they like are what has been asked for.
    if (files.follow_symlinks == config::FollowSymlinks::Anywhere) rules_.add("/");
    rules_.add_replaceable(files.root, home_);
  }
  void add_one(const config::ModuleAction& module) {
    rules_.add_replaceable(module.file, home_);
    add_trust(rules_, variable_);
  }
  // Figures of all processes of the server.
  void add_one(const config::MetricsAction& /*metrics*/) { rules_.add("/proc"); }
  template <class Other>
  void add_one(const Other& /*asks for nothing*/) {}

  Rules& rules_;
  const Variable& variable_;
  const std::string home_;
};

}  // namespace

std::vector<std::string> lasting_places(const config::Config& config) {
  std::set<std::string> places;
  for (const config::Site& site : config.sites)
    for (const config::Route& route : site.routes) {
      if (const auto* const files = std::get_if<config::FilesAction>(&route.action)) places.insert(files->root);
      if (looks_up_names(route.action)) places.insert(std::begin(kOfNames), std::end(kOfNames));
      places.insert(route.sandbox.read.begin(), route.sandbox.read.end());
      places.insert(route.sandbox.write.begin(), route.sandbox.write.end());
    }
  return {places.begin(), places.end()};
}

std::vector<PathRule> landlock_rules(const config::Config& config, Process process, const Variable& variable) {
  Rules rules;
  add_libraries(rules, variable);
  if (process == Process::Admin) {
    rules.add("/proc");
    return std::move(rules).take();
  }
  Adder adder(rules, variable);
  for (const config::Site& site : config.sites)
    for (const config::Route& route : site.routes) {
      adder.add(route.action);
      for (const std::string& path : route.sandbox.read) rules.add(path);
      for (const std::string& path : route.sandbox.write) rules.add(path, Access::Change);
    }
  return std::move(rules).take();
}

}  // namespace holdfast::sandbox
