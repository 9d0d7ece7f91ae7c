#include "master/inquiry.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

#include "master/exit_status.h"
#include "master/signal_source.h"

namespace holdfast::master {
namespace {

// Behind the answer, so that half of one is not taken for the whole.
constexpr char kEnd = '\0';

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int live_as_inquiry(const std::optional<Identity>& identity, const Fd& output,
                    const std::function<std::string()>& work) {
  SignalSource::settle_in_child();
  ::prctl(PR_SET_NAME, "holdfast: ask");
  close_descriptors_but({output.get()});
  if (identity)
    if (const Result<void> changed = become(*identity); !changed) return kExitPermission;
  forbid_privileges();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user would take it back
  write_all(output.get(), work() + kEnd);
  return kExitOk;
}

}  // namespace

Result<Inquiry> Inquiry::start(const std::optional<Identity>& identity,
                               const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "make a pipe to an inquiry");
  Fd reading(ends[0]);
  const Fd writing(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return no_process(errno, "an inquiry");
  if (pid == 0) ::_exit(live_as_inquiry(identity, writing, work));
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
  return Inquiry(std::move(pidfd), std::move(reading));
}

Inquiry::~Inquiry() {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

bool Inquiry::ended() {
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(output_.get(), buffer, sizeof buffer);
    if (got > 0) {
      text_.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return true;
    } else if (errno == EAGAIN) {
      return false;
    }
  }
}

std::optional<std::string> Inquiry::answer() const {
  if (text_.empty() || text_.back() != kEnd) return std::nullopt;
  return text_.substr(0, text_.size() - 1);
}

}  // namespace holdfast::master
