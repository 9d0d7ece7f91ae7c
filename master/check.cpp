#include "master/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "config/loader.h"
#include "master/exit_status.h"
#include "master/obituary.h"
#include "master/privileges.h"
#include "master/service_account.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

std::size_t print_all(const std::vector<config::Problem>& problems, const char* prefix = "") {
  for (const config::Problem& problem : problems)
    std::fprintf(stderr, "%s%s\n", prefix, problem.text().c_str());
  return problems.size();
}

Result<void> warn_of_certificates(const config::Config& config) {
  const auto facts = worker::examine_certificates(config, std::chrono::system_clock::now());
  if (!facts) return facts.error();
  for (const worker::CertificateFacts& one : *facts) {
    if (one.remark.empty()) continue;
    const config::Problem warning{one.of->place, one.of->certificate.path + " " + one.remark};
    dprintf(STDERR_FILENO, "warning: %s\n", warning.text().c_str());
  }
  return {};
}

bool contains(const std::vector<config::Problem>& problems, const config::Problem& one) {
  return std::ranges::any_of(problems, [&one](const config::Problem& p) { return p.text() == one.text(); });
}

/// Document roots that the workers' account, which this process has, cannot use; `known` have been told. False:
/// there are any.
bool look_at_roots(const config::Config& config, const std::vector<config::Problem>& known) {
  const std::vector<config::Problem> problems = config::check_document_roots(config);
  const char* const user = config.process.user.c_str();
  for (const config::Problem& problem : problems)
    if (!contains(known, problem))
      dprintf(STDERR_FILENO, "%s (for the user %s)%s\n", problem.text().c_str(), user,
              problem.denied ? "; it needs r and x of the folder, and x of all above it" : "");
  return problems.empty();
}

/// As a worker would do it, under its account. With problems that are `known`, and told, only document roots
/// are looked at.
Result<void> try_as_worker(const config::Config& config, stats::Segment& segment,
                           const std::vector<config::Problem>& known) {
  const Result<std::optional<Identity>> identity = resolve_identity(config.process);
  if (!identity && !known.empty()) _exit(kExitConfiguration);
  if (!identity) return identity.error();
  if (*identity) {
    if (Result<void> changed = become(**identity); !changed) return changed;
    if (!look_at_roots(config, known)) _exit(kExitConfiguration);
  }
  if (!known.empty()) _exit(kExitConfiguration);
  if (Result<void> good = worker::try_configuration(config, segment); !good) return good;
  return warn_of_certificates(config);
}

/// Many of them have a line, and begin with their own place then.
void print_problem(const config::Config& config, const std::string& message) {
  const bool placed = message.starts_with(config.file + ":") || message.find(':') < message.find(' ');
  dprintf(STDERR_FILENO, "%s%s\n", placed ? "" : (config.file + ": ").c_str(), message.c_str());
}

/// "(Aborted), while it was opening /x.so for the route /x": how the trial ended, and where it was then.
std::string crash_text(int signal, const stats::Segment& segment, pid_t process) {
  const std::string name = strsignal(signal);
  if (segment.seats_used() < 2) return "(" + name + ")";
  const stats::Seat& seat = segment.seat(1);
  const std::string fault = fault_of(seat.crash, process);
  return "(" + name + (fault.empty() ? "" : ": " + fault) + ")" + work_text(seat.activity);
}

/// Says why the check itself could not be made: no fault of the configuration.
ExitCode not_checked(const Error& error) {
  std::fprintf(stderr, "holdfast: cannot check: %s\n", error.message().c_str());
  return kExitSystem;
}

/// In a process of its own: what workers load may crash, or change the process for good.
ExitCode try_a_worker(const config::Config& config, const std::vector<config::Problem>& known) {
  Result<stats::Segment> segment = stats::Segment::create();
  if (!segment) return not_checked(segment.error());
  const pid_t child = fork();
  if (child < 0) return not_checked(no_process(errno, "a worker"));
  if (child == 0) {
    const Result<void> outcome = try_as_worker(config, *segment, known);
    if (!outcome) print_problem(config, outcome.error().message());
    _exit(outcome ? kExitOk : kExitConfiguration);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    std::fprintf(stderr, "%s: a worker would crash with this configuration %s\n", config.file.c_str(),
                 crash_text(WTERMSIG(status), *segment, child).c_str());
  return WIFEXITED(status) && WEXITSTATUS(status) == kExitOk ? kExitOk : kExitConfiguration;
}

/// What stands in the way around the configuration: of the machine, and of the service's account.
std::vector<config::Problem> problems_around(const config::Loaded& loaded, const std::string& file) {
  std::vector<config::Problem> problems = config::check_environment(*loaded.config);
  const std::optional<ServiceAccount> account = account_of_service(file);
  if (!account) return problems;
  std::vector<std::string> files;
  for (const auto& [path, text] : loaded.sources.texts) files.push_back(path);
  for (config::Problem& problem : unreadable_for(*account, files)) problems.push_back(std::move(problem));
  return problems;
}

}  // namespace

int run_check(const Options& options) {
  const config::Loaded loaded = config::load_file(options.config_file);
  print_all(loaded.problems);
  print_all(loaded.warnings, "warning: ");
  if (!loaded.config) return kExitConfiguration;
  const std::vector<config::Problem> known = problems_around(loaded, options.config_file);
  print_all(known);
  if (const ExitCode tried = try_a_worker(*loaded.config, known); tried != kExitOk) return tried;
  if (!options.quiet) std::printf("%s: ok\n", options.config_file.c_str());
  return kExitOk;
}

}  // namespace holdfast::master
