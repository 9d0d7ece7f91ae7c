#include "master/service_account.h"

#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "master/control_link.h"
#include "master/inquiry.h"

namespace holdfast::master {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string name_of(uid_t user) {
  const passwd* const found = ::getpwuid(user);
  return found == nullptr ? std::to_string(user) : found->pw_name;
}

/// The first folder on the way to the file that lets this process not through; the file itself when all do.
std::string barrier_before(const std::string& file) {
  fs::path way;
  for (const fs::path& part : fs::path(file).parent_path()) {
    way /= part;
    if (::access(way.c_str(), X_OK) != 0) return way.string();
  }
  return file;
}

/// What keeps this process from reading the file: "FILE\tBARRIER"; empty when nothing does. What is not there,
/// or is damaged, has been told by whoever has tried to load it.
std::string refusal(const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0 || errno != EACCES) return "";
  return file + "\t" + barrier_before(file) + "\n";
}

std::string refusals_in_child(const std::vector<std::string>& files) {
  std::string out;
  for (const std::string& file : files) out += refusal(file);
  return out;
}

config::Problem unreadable(const std::string& file, const std::string& barrier, const std::string& account) {
  const std::string advice =
      barrier == file
          ? "`chgrp " + account + " " + file + " && chmod g+r " + file + "` lets it"
          : barrier + " lets it not through: move the file, or give that folder to the group of " + account;
  return {config::Place{file, 0, 0},
          "the service runs as " + account + " and cannot read it: Permission denied; " + advice, true};
}

/// What stands behind `key` at the beginning of the line; nothing for other lines.
std::optional<std::string> value_of(const std::string& line, std::string_view key) {
  if (!line.starts_with(key)) return std::nullopt;
  return line.substr(key.size());
}

std::optional<ServiceAccount> account_of_process(const std::string& status) {
  const std::optional<Identity> identity = identity_in_status(status);
  if (!identity) return std::nullopt;
  return ServiceAccount{name_of(identity->user), *identity};
}

std::optional<ServiceAccount> account_of_unit(const UnitAccount& account) {
  config::Process process;
  process.user = account.user;
  process.group.clear();
  const Result<std::optional<Identity>> known = resolve_identity(process);
  if (!known || !*known) return std::nullopt;
  Identity identity = **known;
  for (const std::string& name : account.groups)
    if (const group* const found = ::getgrnam(name.c_str())) identity.groups.push_back(found->gr_gid);
  return ServiceAccount{account.user, identity};
}

}  // namespace

std::optional<std::string> service_unit() {
  std::string text;
  for (const char* const folder :
       {"/usr/lib/systemd/system/", "/lib/systemd/system/", "/etc/systemd/system/"}) {
    const std::string unit = std::string(folder) + "holdfast.service";
    text += "\n" + text_of(unit);
    std::error_code error;
    for (fs::directory_iterator one(unit + ".d", error), end; !error && one != end; one.increment(error))
      text += "\n" + text_of(one->path().string());
  }
  if (text.find("\n[Service]") == std::string::npos) return std::nullopt;
  return text;
}

UnitAccount account_in_unit(std::string_view unit, const std::string& config_file) {
  UnitAccount account;
  bool serves_it = false;
  bool reads_all = false;
  std::istringstream lines{std::string(unit)};
  for (std::string line; std::getline(lines, line);) {
    if (const auto user = value_of(line, "User=")) account.user = *user;
    if (const auto start = value_of(line, "ExecStart=")) serves_it = start->ends_with(" " + config_file);
    if (const auto rights = value_of(line, "AmbientCapabilities="))
      reads_all |= rights->find("CAP_DAC_") != std::string::npos;
    if (const auto groups = value_of(line, "SupplementaryGroups=")) {
      std::istringstream names(*groups);
      for (std::string name; names >> name;) account.groups.push_back(name);
    }
  }
  return serves_it && !reads_all && account.user != "root" ? account : UnitAccount{};
}

std::optional<Identity> identity_in_status(std::string_view status) {
  constexpr std::uint64_t kReadsAll = 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH;
  Identity identity;
  bool complete = false;
  std::istringstream lines{std::string(status)};
  for (std::string line; std::getline(lines, line);) {
    uid_t real = 0;
    if (const auto users = value_of(line, "Uid:")) std::istringstream(*users) >> real >> identity.user;
    if (const auto groups = value_of(line, "Gid:")) std::istringstream(*groups) >> real >> identity.group;
    if (const auto groups = value_of(line, "Groups:")) {
      std::istringstream numbers(*groups);
      for (gid_t group = 0; numbers >> group;) identity.groups.push_back(group);
    }
    if (const auto rights = value_of(line, "CapEff:")) {
      std::uint64_t bits = 0;
      complete = static_cast<bool>(std::istringstream(*rights) >> std::hex >> bits) && (bits & kReadsAll) == 0;
    }
  }
  if (!complete || identity.user == 0) return std::nullopt;
  return identity;
}

std::optional<ServiceAccount> account_of_service(const std::string& config_file) {
  if (::geteuid() != 0) return std::nullopt;
  const Result<ControlLink> link = ControlLink::to_server_of(config_file);
  if (const pid_t server = link ? link->server() : 0; server != 0)
    return account_of_process(text_of("/proc/" + std::to_string(server) + "/status"));
  const std::optional<std::string> unit = service_unit();
  return unit ? account_of_unit(account_in_unit(*unit, config_file)) : std::nullopt;
}

std::vector<config::Problem> unreadable_for(const ServiceAccount& account,
                                            const std::vector<std::string>& files) {
  Result<Inquiry> inquiry = Inquiry::start(account.identity, [&files] { return refusals_in_child(files); });
  if (!inquiry) return {};
  pollfd output{inquiry->output(), POLLIN, 0};
  while (!inquiry->ended()) ::poll(&output, 1, -1);
  std::vector<config::Problem> problems;
  std::istringstream lines(inquiry->answer().value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    problems.push_back(unreadable(line.substr(0, tab), line.substr(tab + 1), account.name));
  }
  return problems;
}

}  // namespace holdfast::master
