#include "master/signal_source.h"

#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace holdfast::master {
namespace {

// The C library hides two signals from sigfillset, though anybody can send them: the kernel's own calls know
// all. SIGPIPE and SIGXFSZ are ignored rather than awaited: a log line about one, on a stream whose reader is
// gone or in a file at its limit (ulimit -f), would bring the next one.
constexpr std::uint64_t bit(int number) {
  return std::uint64_t{1} << (number - 1);
}
constexpr std::uint64_t kAllSignals = ~(bit(SIGPIPE) | bit(SIGXFSZ));
constexpr std::uint64_t kNoSignals = 0;

bool set_mask(const std::uint64_t& mask) {
  return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask) == 0;
}

Signal meaning_of(int number) {
  switch (number) {
    case SIGHUP:
      return Signal::Reload;
    case SIGTERM:
    case SIGQUIT:
      return Signal::Stop;
    case SIGINT:
      return Signal::QuickStop;
    case SIGUSR1:
      return Signal::ReopenLogs;
    case SIGUSR2:
      return Signal::Upgrade;
    case SIGWINCH:
      return Signal::DrainWorkers;
    case SIGTTIN:
      return Signal::MoreWorkers;
    case SIGTTOU:
      return Signal::FewerWorkers;
    case SIGCHLD:
      return Signal::ChildEnded;
  }
  return Signal::Other;
}

}  // namespace

Result<SignalSource> SignalSource::open() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  if (!set_mask(kAllSignals)) return system_error(errno, "block signals");
  const long fd = syscall(SYS_signalfd4, -1, &kAllSignals, sizeof kAllSignals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return system_error(errno, "open a signal descriptor");
  return SignalSource(Fd(static_cast<int>(fd)), kAllSignals);
}

void SignalSource::hold() const {
  set_mask(held_);
}

void SignalSource::admit_faults(bool admitted) {
  held_ = kAllSignals;
  if (admitted)
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGALRM}) held_ &= ~bit(number);
  hold();
}

std::optional<SignalNotice> SignalSource::next() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  const int number = static_cast<int>(info.ssi_signo);
  return SignalNotice{meaning_of(number), number, static_cast<pid_t>(info.ssi_pid), info.ssi_code == SI_KERNEL};
}

void SignalSource::settle_in_child() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGTTIN, SIGTTOU,
                           SIGTSTP, SIGPIPE, SIGXFSZ})
    signal(number, SIG_IGN);
  set_mask(kNoSignals);
}

}  // namespace holdfast::master
