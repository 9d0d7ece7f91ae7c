#include "master/binary_trial.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/fd.h"
#include "common/stats/stats_segment.h"
#include "master/exit_status.h"
#include "master/handover.h"

namespace holdfast::master {
namespace {

constexpr std::string_view kTakesOver = "takes-over ";
constexpr std::string_view kEnded = "ended ";
constexpr std::size_t kMostText = 64 * 1024;

[[noreturn]] void become_program(const std::string& path, const std::vector<std::string>& arguments,
                                 int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  std::string option(kTakesOverOption);
  pointers.push_back(option.data());
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  const std::string why = "cannot be run: " + std::string(strerror(errno)) + "\n";
  (void)!::write(output, why.data(), why.size());
  ::_exit(kExitSystem);
}

std::string read_to_end(const Fd& from) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    if (text.size() < kMostText) text.append(buffer, static_cast<std::size_t>(got));
  }
}

/// Takes the first line off.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string value_of(std::string_view line, std::string_view key) {
  const std::string wanted = " " + std::string(key) + "=";
  const std::size_t at = line.find(wanted);
  if (at == std::string_view::npos) return "";
  line.remove_prefix(at + wanted.size());
  return std::string(line.substr(0, line.find(' ')));
}

std::string problem_of(std::string_view line) {
  if (const std::string format = value_of(line, "handover"); format != std::to_string(kHandoverFormat))
    return "it takes over in another way (" + format + " instead of " + std::to_string(kHandoverFormat) +
           "): restart the server instead";
  if (const std::string layout = value_of(line, "statistics");
      layout != std::to_string(stats::layout_version()))
    return "its statistics have another layout (" + layout + " instead of " +
           std::to_string(stats::layout_version()) +
           "), so that counts would be lost: restart the server instead";
  return "";
}

}  // namespace

std::string takes_over_line() {
  return std::string(kTakesOver) + "handover=" + std::to_string(kHandoverFormat) +
         " statistics=" + std::to_string(stats::layout_version()) + " version=" HOLDFAST_VERSION "\n";
}

std::string try_binary(const std::string& path, const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe(ends) != 0) return "";
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return "";
  if (child == 0) become_program(path, arguments, writing.get());
  writing.reset();
  const std::string text = read_to_end(reading);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const ExitStatus ended =
      WIFSIGNALED(status) ? ExitStatus{true, WTERMSIG(status)} : ExitStatus{false, WEXITSTATUS(status)};
  const bool good = !ended.signaled && ended.number == kExitOk;
  return std::string(kEnded) + (good ? "" : ended.text()) + "\n" + text;
}

TrialOutcome judge_trial(const std::string& path, const std::optional<std::string>& answer) {
  TrialOutcome outcome;
  const auto refuse = [&](std::string_view why) {
    outcome.problems.append(outcome.problems.empty() ? "" : "\n").append(path).append(": ").append(why);
  };
  std::string_view rest = answer ? std::string_view(*answer) : "";
  const std::string_view first = take_line(rest);
  if (!first.starts_with(kEnded)) {
    refuse("the trial of it was cut short");
    return outcome;
  }
  const std::string_view end = first.substr(kEnded.size());
  std::string_view said;
  std::string words;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.starts_with(kTakesOver))
      said = line;
    else if (!line.empty())
      words.append(words.empty() ? "" : "\n").append(line);
  }
  if (!end.empty()) {
    outcome.problems = words;
    if (end == ExitStatus{false, kExitConfiguration}.text()) outcome.kind = ErrorKind::Configuration;
    refuse("its trial ended with " + std::string(end));
  } else if (said.empty()) {
    refuse("is no holdfast that can take over from this one");
  } else if (const std::string problem = problem_of(said); !problem.empty()) {
    refuse(problem);
  }
  outcome.version = value_of(said, "version");
  return outcome;
}

}  // namespace holdfast::master
