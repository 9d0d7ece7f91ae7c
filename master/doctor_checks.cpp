#include "master/doctor_checks.h"

#include <algorithm>
#include <chrono>

#include "master/exit_status.h"

namespace holdfast::master {
namespace {

constexpr const char* kLookAsRoot = "look again as root, or as the user of the service";

std::string octal(std::uint32_t mode) {
  std::string text = "0";
  for (const int shift : {6, 3, 0}) text += static_cast<char>('0' + ((mode >> shift) & 7));
  return text;
}

bool is_denied(const std::string& problem) {
  return problem.find("Permission denied") != std::string::npos;
}

void judge_configuration(const config::Config& config, const Facts& facts, Findings& findings) {
  const bool is_about_machine = facts.check.code == kExitSystem;
  for (const std::string& problem : facts.check.problems)
    if (is_about_machine)
      findings.note("not checked to its end: " + problem, "see the problems of the machine");
    else if (!facts.is_root && is_denied(problem))
      findings.note("cannot be judged: " + problem, kLookAsRoot);
    else
      findings.problem(problem, "mend it: a start would fail and a reload be refused");
  for (const std::string& warning : facts.check.warnings)
    findings.warning(warning, "mend it when there is time");
  if (facts.check.problems.empty()) findings.ok((config.file.empty() ? "it" : config.file) + " can be served");
}

void judge_certificates(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  using std::chrono::days;
  for (const Facts::Certificate& one : facts.certificates) {
    const auto left = std::chrono::floor<days>(one.until - facts.now).count();
    if (!one.is_good)
      findings.problem(one.path + " " + one.remark,
                       "clients refuse it: get another one; the server takes it over by itself");
    else if (!one.remark.empty())
      findings.warning(one.path + " " + one.remark, "renew it; the server takes it over by itself");
    else
      findings.ok(one.path + " is good for " + std::to_string(left) + " days");
  }
}

void judge_secrets(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  std::size_t good = 0;
  for (const Facts::Secret& one : facts.secrets) {
    const std::string mode = " (mode " + octal(one.mode) + ")";
    if (!one.is_seen)
      findings.note(one.path + " cannot be looked at", kLookAsRoot);
    else if (one.others_can_write)
      findings.problem(one.path + " can be changed by others" + mode, "chmod go-w " + one.path);
    else if (one.others_can_read)
      findings.warning(one.path + " can be read by everybody" + mode,
                       "chmod o-r " + one.path + "; keep it for root and the server's user");
    else
      ++good;
  }
  if (good > 0)
    findings.ok(std::to_string(good) + (good == 1 ? " file is" : " files are") + " kept from others");
}

void judge_ports(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  using Held = Facts::Port::Held;
  for (const Facts::Port& one : facts.ports) {
    const std::string name = one.address + " (" + one.listener + ")";
    switch (one.held) {
      case Held::No:
        findings.ok(name + " is free");
        break;
      case Held::ByServer:
        findings.ok(name + " is held by the running server");
        break;
      case Held::ByOther:
        findings.problem(name + " is taken by " + one.holder, "stop it, or give the listener another address");
        break;
      case Held::BySomebody:
        if (facts.server != 0)
          findings.note(name + " is taken, by the running server as it seems", kLookAsRoot);
        else
          findings.problem(name + " is taken",
                           "look again as root to see by whom; stop it, or bind another address");
        break;
      case Held::NotKnown:
        findings.note(name + ": whether it is free cannot be seen", "");
        break;
    }
  }
}

void judge_low_ports(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  if (!facts.first_free_port || facts.is_root || facts.may_bind_low_ports) return;
  const bool unit_may = facts.unit && facts.unit->find("CAP_NET_BIND_SERVICE") != std::string::npos;
  for (const Facts::Port& one : facts.ports) {
    if (one.port == 0 || one.port >= *facts.first_free_port) continue;
    const std::string what =
        "this user may not bind port " + std::to_string(one.port) + " (" + one.listener + ")";
    if (unit_may || facts.server != 0)
      findings.note(what, "the service may");
    else
      findings.problem(what,
                       "start as root, give CAP_NET_BIND_SERVICE (AmbientCapabilities= of a unit), or lower "
                       "net.ipv4.ip_unprivileged_port_start");
  }
}

bool is_reserved(const std::string& ports, std::uint64_t port) {
  for (std::size_t at = 0; at < ports.size();) {
    const std::size_t end = std::min(ports.find(',', at), ports.size());
    const std::string one = ports.substr(at, end - at);
    const std::size_t dash = one.find('-');
    const auto number = [](const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); };
    const std::uint64_t first = number(one);
    const std::uint64_t last = dash == std::string::npos ? first : number(one.substr(dash + 1));
    if (port >= first && port <= last) return true;
    at = end + 1;
  }
  return false;
}

void judge_outgoing_ports(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  if (!facts.outgoing_ports) return;
  const auto [first, last] = *facts.outgoing_ports;
  for (const Facts::Port& one : facts.ports)
    if (one.port >= first && one.port <= last && !is_reserved(facts.reserved_ports, one.port))
      findings.warning(
          "port " + std::to_string(one.port) + " (" + one.listener +
              ") is one of those that outgoing connections take (" + std::to_string(first) + " to " +
              std::to_string(last) + ")",
          "a start may find it taken: add it to net.ipv4.ip_local_reserved_ports, or choose another");
}

void judge_disks(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  constexpr std::uint64_t kMiB = 1 << 20;
  constexpr std::uint64_t kFewFiles = 1000;
  for (const Facts::Disk& disk : facts.disks) {
    if (!disk.free_bytes) {
      findings.note("the space below " + disk.folder + " cannot be seen", kLookAsRoot);
      continue;
    }
    const std::string space =
        std::to_string(*disk.free_bytes / kMiB) + " MiB are free for logs in " + disk.folder;
    constexpr const char* kAdvice = "make room, or rotate sooner: what has no room is dropped";
    if (*disk.free_bytes < 16 * kMiB)
      findings.problem(space, kAdvice);
    else if (*disk.free_bytes < 256 * kMiB)
      findings.warning(space, kAdvice);
    else if (disk.has_files && disk.free_files < kFewFiles)
      findings.warning("few files more can be made in " + disk.folder,
                       "remove some: the file system is out of inodes soon");
    else
      findings.ok(space);
  }
}

void judge_rotation(const config::Config& /*config*/, const Facts& facts, Findings& findings) {
  if (facts.disks.empty()) return;
  if (!facts.has_logrotate)
    findings.note("logrotate is not installed",
                  "logs grow without end unless something else moves them and sends USR1");
  for (const std::string& log : facts.logs_without_rotation)
    if (facts.has_logrotate)
      findings.note("nothing in /etc/logrotate.d speaks of " + log,
                    "it grows without end unless something else moves it and sends USR1");
  if (facts.has_logrotate && facts.logs_without_rotation.empty()) findings.ok("logs are rotated");
}

constexpr CheckRow kFileChecks[] = {
    {"configuration", Subject::Configuration, judge_configuration},
    {"certificates", Subject::Configuration, judge_certificates},
    {"secrets", Subject::Configuration, judge_secrets},
    {"ports", Subject::Machine, judge_ports},
    {"low ports", Subject::Machine, judge_low_ports},
    {"outgoing ports", Subject::Machine, judge_outgoing_ports},
    {"log space", Subject::Machine, judge_disks},
    {"log rotation", Subject::Machine, judge_rotation},
};

}  // namespace

std::string_view severity_text(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      return "ok";
    case Severity::Note:
      return "note";
    case Severity::Warning:
      return "warning";
    case Severity::Problem:
      return "problem";
  }
  return "";
}

std::span<const CheckRow> file_checks() {
  return kFileChecks;
}

std::vector<Finding> examine(const config::Config& config, const Facts& facts) {
  std::vector<Finding> found;
  for (const std::span<const CheckRow> rows : {file_checks(), machine_checks()})
    for (const CheckRow& row : rows) {
      Findings findings(row.name, row.subject, found);
      row.judge(config, facts, findings);
    }
  return found;
}

int exit_code_of(const std::vector<Finding>& findings) {
  const auto has_problem_of = [&findings](Subject subject) {
    return std::ranges::any_of(findings, [subject](const Finding& finding) {
      return finding.severity == Severity::Problem && finding.subject == subject;
    });
  };
  if (has_problem_of(Subject::Configuration)) return kExitConfiguration;
  return has_problem_of(Subject::Machine) ? kExitSystem : kExitOk;
}

}  // namespace holdfast::master
