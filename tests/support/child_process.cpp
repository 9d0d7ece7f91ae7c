#include "tests/support/child_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include "tests/support/deadline.h"

namespace holdfast::support {
namespace {

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& additions) {
  std::vector<std::string> result = additions;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& addition : additions) replaced |= addition.starts_with(name);
    if (!replaced) result.push_back(text);
  }
  return result;
}

// The place of LISTEN_PID in an environment; its number is known in the child only.
constexpr std::string_view kListenPid = "LISTEN_PID=";
constexpr std::size_t kPidDigits = 10;

void hand_over(char** environment, const std::vector<int>& descriptors) {
  constexpr int kAside = 200;
  for (std::size_t i = 0; i < descriptors.size(); ++i) ::dup2(descriptors[i], kAside + static_cast<int>(i));
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    ::dup2(kAside + static_cast<int>(i), 3 + static_cast<int>(i));
    ::close(kAside + static_cast<int>(i));
  }
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(kListenPid)) continue;
    char* const number = *entry + kListenPid.size();
    *std::to_chars(number, number + kPidDigits, ::getpid()).ptr = '\0';
  }
}

// Runs between fork and exec in a copy of a threaded process: only calls that are safe there.
[[noreturn]] void become(char** arguments, char** environment, const SpawnOptions& options, int out, int err) {
  ::dup2(out, 1);
  ::dup2(err, 2);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  if (options.descriptors) {
    const rlimit limit{*options.descriptors, *options.descriptors};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
  }
  for (const auto& [resource, most] : options.limits) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
    limit.rlim_cur = most;
    if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) ::_exit(126);
  }
  if (!options.listen_descriptors.empty()) hand_over(environment, options.listen_descriptors);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

// The fields of /proc/PID/stat that follow the name (which may hold blanks and brackets); the first is the
// state.
std::vector<std::string> stat_fields(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(in, line);
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(line.substr(end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const SpawnOptions& options) {
  std::vector<std::string> argument_texts = options.wrapper;
  argument_texts.insert(argument_texts.end(), arguments.begin(), arguments.end());
  std::vector<std::string> additions = options.environment;
  if (!options.listen_descriptors.empty()) {
    additions.push_back("LISTEN_FDS=" + std::to_string(options.listen_descriptors.size()));
    additions.push_back(std::string(kListenPid) + std::string(kPidDigits, '0'));
  }
  std::vector<std::string> environment_texts = merged_environment(additions);
  const std::vector<char*> argument_list = pointers(argument_texts);
  const std::vector<char*> environment_list = pointers(environment_texts);
  auto [out_read, out_write] = make_pipe();
  Fd err_read;
  Fd err_write;
  if (!options.one_stream) std::tie(err_read, err_write) = make_pipe();
  const int err = options.one_stream ? out_write.get() : err_write.get();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0)
    become(const_cast<char**>(argument_list.data()), const_cast<char**>(environment_list.data()), options,
           out_write.get(), err);
  out_ = std::move(out_read);
  err_ = std::move(err_read);
}

ChildProcess::~ChildProcess() {
  if (exit_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

void ChildProcess::signal(int number) const {
  if (!exit_) ::kill(pid_, number);
}

std::optional<Exit> ChildProcess::wait(Milliseconds in) {
  if (exit_) return exit_;
  // The C library of Debian 12 declares pidfd_open without C linkage.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  const Deadline deadline(in);
  pollfd waiting{process.get(), POLLIN, 0};
  while (::poll(&waiting, 1, deadline.milliseconds_left()) < 0 && errno == EINTR) {
  }
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return {};
  exit_ = WIFEXITED(status) ? Exit{WEXITSTATUS(status), 0} : Exit{-1, WTERMSIG(status)};
  return exit_;
}

CommandResult run_command(const std::vector<std::string>& arguments, const SpawnOptions& options,
                          Milliseconds in) {
  ChildProcess child(arguments, options);
  CommandResult result;
  const Deadline deadline(in);
  std::array<pollfd, 2> streams{pollfd{child.out().get(), POLLIN, 0}, pollfd{child.err().get(), POLLIN, 0}};
  std::array<std::string*, 2> texts{&result.out, &result.err};
  while ((streams[0].fd >= 0 || streams[1].fd >= 0) && !deadline.passed()) {
    ::poll(streams.data(), streams.size(), deadline.milliseconds_left());
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      char room[16384];
      const ssize_t n = ::read(streams[i].fd, room, sizeof room);
      if (n > 0) texts[i]->append(room, static_cast<std::size_t>(n));
      if (n == 0) streams[i].fd = -1;
    }
  }
  result.exit = child.wait(Milliseconds(deadline.milliseconds_left()));
  return result;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> result;
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return result;
  while (const dirent* entry = ::readdir(processes)) {
    const pid_t pid = static_cast<pid_t>(::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    const std::vector<std::string> fields = stat_fields(pid);
    if (fields.size() > 1 && fields[0] != "Z" && fields[1] == std::to_string(parent)) result.push_back(pid);
  }
  ::closedir(processes);
  return result;
}

bool wait_until_gone(pid_t pid, Milliseconds in) {
  return eventually(in, [pid] {
    const std::vector<std::string> fields = stat_fields(pid);
    return fields.empty() || fields[0] == "Z";
  });
}

Milliseconds cpu_time_of(pid_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  if (fields.size() < 13) return {};
  const long ticks = std::stol(fields[11]) + std::stol(fields[12]);
  return Milliseconds(ticks * 1000 / ::sysconf(_SC_CLK_TCK));
}

std::size_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

std::size_t descriptors_of(pid_t pid) {
  const std::filesystem::directory_iterator open("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

}  // namespace holdfast::support
