#include "worker/sandbox/sandbox.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/log.h"
#include "config/loader.h"
#include "worker/sandbox/call_rules.h"
#include "worker/sandbox/landlock.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_SANITIZED_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HOLDFAST_SANITIZED_BUILD 1
#endif
#endif

namespace holdfast::sandbox {
namespace {

// Sanitizers start programs, trace threads and write files when they report.
#ifdef HOLDFAST_SANITIZED_BUILD
constexpr bool kBuildHasRoom = false;
#else
constexpr bool kBuildHasRoom = true;
#endif

Result<void> find_seccomp() {
  const std::uint32_t action = SECCOMP_RET_TRAP;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return system_error(errno, "seccomp");
  return {};
}

Result<void> enter_seccomp(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};  // the kernel reads it only
  // Processors that guess at stores are no more dangerous to this process for being locked in; being kept from
  // it costs much on older kernels.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program) != 0)
    return system_error(errno, "seccomp");
  return {};
}

std::string variable_of_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Of all routes: they are served by one process.
CallWishes wishes_of(const config::Config& config) {
  CallWishes wishes;
  for (const config::Site& site : config.sites)
    for (const config::Route& route : site.routes) {
      const std::vector<std::string>& names = route.sandbox.system_calls;
      wishes.names.insert(wishes.names.end(), names.begin(), names.end());
      wishes.changes_files |= !route.sandbox.write.empty();
    }
  return wishes;
}

/// Files first: the calls that it takes are not among those that are left.
Result<void> enter_parts(const config::Config& config, Process process, Entered& entered) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error(errno, "give up new privileges");
  if (!kBuildHasRoom) return {};
  if (landlock_version()) {
    const std::vector<PathRule> rules = landlock_rules(config, process, variable_of_environment);
    if (Result<void> files = enter_landlock(rules); !files) return files;
    entered.files = true;
  }
  if (!find_seccomp()) return {};
  const CallWishes wishes = process == Process::Traffic ? wishes_of(config) : CallWishes{};
  Result<void> calls = enter_seccomp(seccomp_filter(call_rules(::getpid(), wishes)));
  entered.calls = calls.has_value();
  return calls;
}

}  // namespace

std::string missing_parts() {
  if (!kBuildHasRoom) return "a build without sanitizers";
  std::string missing;
  if (const Result<int> version = landlock_version(); !version) missing = version.error().message();
  if (const Result<void> found = find_seccomp(); !found)
    missing += (missing.empty() ? "" : ", ") + found.error().message();
  return missing;
}

Result<void> can_be_had(const config::Config& config) {
  if (config.process.sandbox != config::Sandbox::Strict) return {};
  const std::string missing = missing_parts();
  if (missing.empty()) return {};
  const auto written = config.places.find("process.sandbox");
  const config::Place place =
      written == config.places.end() ? config::Place{config.file, 0, 0} : written->second;
  return Error{
      ErrorKind::Configuration, 0,
      config::Problem{place, "process.sandbox: it is strict, and this system lacks: " + missing}.text()};
}

Result<Entered> enter(const config::Config& config, Process process) {
  Entered entered;
  if (config.process.sandbox == config::Sandbox::Off) return entered;
  if (Result<void> whole = can_be_had(config); !whole) return whole.error();
  const Result<void> all = enter_parts(config, process, entered);
  if (!all && config.process.sandbox == config::Sandbox::Strict) return all.error();
  if (!all) log().warning("sandbox not entered", {{"problem", all.error().message()}});
  return entered;
}

}  // namespace holdfast::sandbox
