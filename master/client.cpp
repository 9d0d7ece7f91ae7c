#include "master/client.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>

#include "common/clock.h"
#include "common/fd.h"
#include "master/command_table.h"
#include "master/control_link.h"
#include "master/exit_status.h"
#include "master/terminal.h"

namespace holdfast::master {
namespace {

constexpr int kSecond = 1000;
constexpr int kLongestEnd = 5 * kSecond;  // from the server's last word to the end of its process

/// Watches the process at the other end, so that `stop` returns when it is really gone.
Fd watch_server(const ControlLink& server) {
  const pid_t pid = server.server();
  return pid <= 0 ? Fd() : Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

const char* what_is_waited_for(Command command) {
  switch (command) {
    case Command::Stop:
      return "waiting for requests in flight";
    case Command::Upgrade:
      return "waiting for the new program and its workers";
    default:
      return "waiting for the new workers";
  }
}

/// A word to whoever sits there and waits; nothing where nobody does.
class Progress {
 public:
  explicit Progress(Command command) : what_(what_is_waited_for(command)) {}
  ~Progress() {
    if (is_shown_ && terminal_.can_move) std::fprintf(stderr, "\r%s", std::string(ansi::kClearLine).c_str());
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show() {
    if (!terminal_.is_one || (is_shown_ && !terminal_.can_move)) return;
    is_shown_ = true;
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin_).count();
    if (terminal_.can_move)
      std::fprintf(stderr, "\r%s ... %llds", what_, static_cast<long long>(waited));
    else
      std::fprintf(stderr, "%s ...\n", what_);
    std::fflush(stderr);
  }

 private:
  const Terminal terminal_ = Terminal::of(STDERR_FILENO);
  const char* const what_;
  const TimePoint begin_ = Clock::now();
  bool is_shown_ = false;
};

std::string wait_for_answer(const ControlLink& server, Command command) {
  Progress progress(command);
  std::string answer;
  for (;;) {
    pollfd line{server.descriptor(), POLLIN, 0};
    const int count = poll(&line, 1, kSecond);
    if (count == 0) progress.show();
    if (count > 0 && !server.read_some(answer)) return answer;
    if (count < 0 && errno != EINTR) return answer;
  }
}

/// What went well goes to stdout, what did not to stderr.
int report(const ControlAnswer& answer) {
  std::FILE* const to = answer.code == kExitOk ? stdout : stderr;
  std::fwrite(answer.text.data(), 1, answer.text.size(), to);
  return answer.code;
}

}  // namespace

int run_client(const Options& options) {
  const Result<ControlLink> server = ControlLink::to_server_of(options.config_file);
  if (!server) return complain_of_link(server.error());
  const Fd process = options.command == Command::Stop ? watch_server(*server) : Fd();
  if (!server->ask(name_of(options.command))) return report(read_control_answer(""));
  const std::string answer = wait_for_answer(*server, options.command);
  pollfd end{process.get(), POLLIN, 0};
  if (process) poll(&end, 1, kLongestEnd);
  return report(read_control_answer(answer));
}

}  // namespace holdfast::master
