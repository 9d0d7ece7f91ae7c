#include "master/doctor_facts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "common/ascii.h"
#include "common/cgroup.h"
#include "common/memory_file.h"
#include "config/loader.h"
#include "master/check.h"
#include "master/control_link.h"
#include "master/inquiry.h"
#include "master/options.h"
#include "master/port_holders.h"
#include "master/service_account.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::optional<std::uint64_t> setting(const std::string& name) {
  std::string text = text_of("/proc/sys/" + name);
  return parse_decimal(std::string_view(text).substr(0, text.find('\n')));
}

std::int64_t running_server(const std::string& file) {
  const Result<ControlLink> link = ControlLink::to_server_of(file);
  return link ? link->server() : 0;
}

// -- what a process of its own finds out

/// What `work` says in a child; empty when it dies of it.
std::string asked(const std::function<std::string()>& work) {
  Result<Inquiry> inquiry = Inquiry::start(std::nullopt, work);
  if (!inquiry) return "";
  pollfd output{inquiry->output(), POLLIN, 0};
  while (!inquiry->ended()) poll(&output, 1, -1);
  return inquiry->answer().value_or("");
}

/// The words of `holdfast check` on stderr, behind a line with its exit code.
std::string words_of_check(const std::string& file) {
  const Fd words(::memfd_create("holdfast-words", MFD_CLOEXEC));
  if (!words) return "";
  ::dup2(words.get(), STDERR_FILENO);
  Options options;
  options.config_file = file;
  options.quiet = true;
  const int code = run_check(options);
  const Result<std::string> text = read_memory_file(words.get());
  return std::to_string(code) + "\n" + (text ? *text : std::string());
}

Facts::Check check_of(const std::string& file) {
  constexpr std::string_view kWarning = "warning: ";
  Facts::Check check;
  std::vector<std::string> lines = lines_of(asked([&file] { return words_of_check(file); }));
  if (lines.empty()) {
    check.problems.push_back("the check of " + file + " could not be made");
    return check;
  }
  check.code = static_cast<int>(parse_decimal(lines.front()).value_or(0));
  lines.erase(lines.begin());
  for (std::string& line : lines)
    if (line.starts_with(kWarning))
      check.warnings.push_back(line.substr(kWarning.size()));
    else
      check.problems.push_back(std::move(line));
  return check;
}

/// A line each: seconds, good or not, path, remark; separated by tabs.
std::string words_of_certificates(const config::Config& config) {
  const auto facts = worker::examine_certificates(config, std::chrono::system_clock::now());
  std::string out;
  if (!facts) return out;
  for (const worker::CertificateFacts& one : *facts)
    out += std::to_string(std::chrono::system_clock::to_time_t(one.until)) + (one.good ? "\t1\t" : "\t0\t") +
           one.of->certificate.path + "\t" + one.remark + "\n";
  return out;
}

void look_at_certificates(const config::Config& config, Facts& facts) {
  std::set<std::string> seen;
  for (const std::string& line : lines_of(asked([&config] { return words_of_certificates(config); }))) {
    std::istringstream in(line);
    std::string until, good;
    Facts::Certificate one;
    std::getline(in, until, '\t');
    std::getline(in, good, '\t');
    std::getline(in, one.path, '\t');
    std::getline(in, one.remark);
    one.until = std::chrono::system_clock::from_time_t(std::strtoll(until.c_str(), nullptr, 10));
    one.is_good = good == "1";
    // The check warns of the same.
    if (!one.remark.empty())
      std::erase_if(facts.check.warnings, [&one](const std::string& warning) {
        return warning.find(one.path + " " + one.remark) != std::string::npos;
      });
    if (seen.insert(one.path).second) facts.certificates.push_back(std::move(one));
  }
}

// -- limits and kernel

/// "Max open files   1024   4096   files": the hard one, or nothing where there is none.
std::optional<std::uint64_t> limit_in(const std::string& limits, const std::string& name) {
  const std::size_t at = limits.find(name);
  if (at == std::string::npos) return std::nullopt;
  std::istringstream words(limits.substr(at + name.size()));
  std::string soft, hard;
  words >> soft >> hard;
  return parse_decimal(hard);
}

void look_at_limits(Facts& facts) {
  const std::string process = facts.server == 0 ? "self" : std::to_string(facts.server);
  std::string limits = text_of("/proc/" + process + "/limits");
  if (limits.empty()) limits = text_of("/proc/self/limits");
  facts.descriptors = limit_in(limits, "Max open files");
  facts.file_size = limit_in(limits, "Max file size");
  cgroup::Places places;
  if (facts.server != 0) places.membership = "/proc/" + process + "/cgroup";
  facts.memory = cgroup::memory_limit(places);
  facts.processes = cgroup::process_limit(places);
  facts.cpus = allowed_cpus();
}

/// Calls that fail for their arguments are there; a filter of a container may refuse them as not permitted.
bool is_missing(long number, long first, const void* second) {
  return ::syscall(number, first, second, nullptr, 0) < 0 && (errno == ENOSYS || errno == EPERM);
}

void look_at_kernel(Facts& facts) {
  utsname name{};
  if (::uname(&name) == 0) facts.kernel = name.release;
  if (is_missing(SYS_openat2, -1, "")) facts.missing_calls.emplace_back("openat2");
  if (is_missing(SYS_pidfd_open, -1, nullptr)) facts.missing_calls.emplace_back("pidfd_open");
  if (is_missing(SYS_pidfd_send_signal, -1, nullptr)) facts.missing_calls.emplace_back("pidfd_send_signal");
  // No descriptor has such a number.
  if (::syscall(SYS_close_range, ~0U, ~0U, 0) < 0) facts.missing_calls.emplace_back("close_range");
  facts.missing_of_sandbox = asked([] { return worker::missing_of_sandbox(); });
  facts.somaxconn = setting("net/core/somaxconn");
  facts.syn_backlog = setting("net/ipv4/tcp_max_syn_backlog");
  facts.first_free_port = setting("net/ipv4/ip_unprivileged_port_start");
  facts.overcommit = setting("vm/overcommit_memory");
  facts.reserved_ports = text_of("/proc/sys/net/ipv4/ip_local_reserved_ports");
  std::istringstream range(text_of("/proc/sys/net/ipv4/ip_local_port_range"));
  if (std::uint64_t first = 0, last = 0; range >> first >> last) facts.outgoing_ports = {first, last};
}

bool has_capability(unsigned number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capget, &header, data) == 0 && (data[number / 32].effective >> (number % 32) & 1) != 0;
}

// -- ports

/// Whether nobody stands in the way: a socket of another that is for IPv6 alone looks the same in /proc.
bool can_be_bound(const Endpoint& address) {
  const Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(socket.get(), address.address(), address.length()) == 0;
}

void tell_holder(Facts::Port& port, const std::vector<PortHolder>& holders, pid_t server) {
  using Held = Facts::Port::Held;
  port.held = holders.empty() ? Held::BySomebody : Held::ByOther;
  for (const PortHolder& holder : holders) {
    port.holder = holder.name + " (pid " + std::to_string(holder.pid) + ")";
    if (server != 0 && descends_from(holder.pid, server)) port.held = Held::ByServer;
  }
}

void look_at_ports(const config::Config& config, Facts& facts) {
  const auto listening = listening_ports();
  const auto look = [&](const std::string& listener, const Endpoint& bind) {
    if (bind.is_unix() || bind.port() == 0) return;
    Facts::Port port{listener, bind.text(), bind.port(), Facts::Port::Held::NotKnown, ""};
    if (listening) port.held = Facts::Port::Held::No;
    if (listening)
      for (const ListeningPort& held : *listening)
        if (stand_in_each_others_way(held.address, bind) && !can_be_bound(bind)) {
          tell_holder(port, holders_of(held.inode), static_cast<pid_t>(facts.server));
          break;
        }
    facts.ports.push_back(std::move(port));
  };
  for (const config::Listener& listener : config.listeners) look(listener.name, listener.bind);
  if (config.admin.enabled) look("admin", config.admin.bind);
}

// -- files

std::set<std::string> secrets_of(const config::Config& config) {
  std::set<std::string> paths{config.session_tickets.keys.path};
  for (const config::Listener& listener : config.listeners)
    for (const config::Certificate& certificate : listener.tls.certificates) paths.insert(certificate.key.path);
  for (const config::Site& site : config.sites) {
    paths.insert(site.policies.basic_auth.file);
    for (const config::Route& route : site.routes) {
      paths.insert(route.policies.basic_auth.file);
      if (const auto* chat = std::get_if<config::ChatAction>(&route.action))
        paths.insert(chat->broker_password.path);
    }
  }
  paths.erase("");
  return paths;
}

/// Whether everybody can get as far as the file itself.
bool all_can_reach(const fs::path& file) {
  for (fs::path folder = file.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

Facts::Secret look_at_secret(const std::string& path) {
  Facts::Secret secret;
  secret.path = path;
  struct stat status {};
  secret.is_seen = ::stat(path.c_str(), &status) == 0;
  secret.mode = status.st_mode & 0777;
  if (!secret.is_seen || !all_can_reach(fs::absolute(path))) return secret;
  secret.others_can_read = (status.st_mode & S_IROTH) != 0;
  secret.others_can_write = (status.st_mode & S_IWOTH) != 0;
  return secret;
}

Facts::Disk look_at_disk(const std::string& folder) {
  Facts::Disk disk{folder, std::nullopt, 0, false};
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) != 0) return disk;
  disk.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  disk.free_files = space.f_favail;
  disk.has_files = space.f_files != 0;
  return disk;
}

void look_at_logs(const config::Config& config, Facts& facts) {
  std::set<std::string> logs;
  if (config.log.error.to.starts_with('/')) logs.insert(config.log.error.to);
  if (config.log.access.enabled && config.log.access.to.starts_with('/')) logs.insert(config.log.access.to);
  std::set<std::string> folders;
  for (const std::string& log : logs) folders.insert(fs::path(log).parent_path().string());
  for (const std::string& folder : folders) facts.disks.push_back(look_at_disk(folder));
  for (const char* const place : {"/usr/sbin/logrotate", "/usr/bin/logrotate"})
    facts.has_logrotate |= ::access(place, X_OK) == 0;
  std::string rules = text_of("/etc/logrotate.conf");
  std::error_code error;
  for (fs::directory_iterator one("/etc/logrotate.d", error), end; !error && one != end; one.increment(error))
    rules += text_of(one->path().string());
  for (const std::string& log : logs)
    if (rules.find(fs::path(log).parent_path().string() + "/") == std::string::npos)
      facts.logs_without_rotation.push_back(log);
}

// -- time and service

void look_at_clock(Facts& facts) {
  facts.now = std::chrono::system_clock::now();
  struct stat program {};
  if (::stat("/proc/self/exe", &program) == 0)
    facts.built = std::chrono::system_clock::from_time_t(program.st_mtime);
  timex clock{};
  if (const int state = ::adjtimex(&clock); state >= 0) facts.clock_is_synchronised = state != TIME_ERROR;
}

void look_at_service(Facts& facts) {
  facts.has_systemd = ::access("/run/systemd/system", F_OK) == 0;
  facts.unit = service_unit();
}

}  // namespace

Facts look_around(const config::Config& config, const std::string& file) {
  Facts facts;
  facts.is_root = ::geteuid() == 0;
  facts.may_bind_low_ports = has_capability(CAP_NET_BIND_SERVICE);
  facts.may_use_bpf = has_capability(CAP_BPF) || has_capability(CAP_SYS_ADMIN);
  facts.server = running_server(file);
  facts.check = check_of(file);
  look_at_certificates(config, facts);
  look_at_limits(facts);
  look_at_kernel(facts);
  look_at_ports(config, facts);
  for (const std::string& path : secrets_of(config)) facts.secrets.push_back(look_at_secret(path));
  look_at_logs(config, facts);
  look_at_clock(facts);
  look_at_service(facts);
  return facts;
}

}  // namespace holdfast::master
