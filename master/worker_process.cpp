#include "master/worker_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "common/control_message.h"
#include "common/log.h"
#include "master/signal_source.h"

namespace holdfast::master {
namespace {

void close_what_is_not_its_own(const WorkerOrder& order, const Fd& control, const Fd& access_log,
                               const Fd& error_log) {
  std::vector<int> kept{control.get(), access_log.get(), error_log.get(), order.segment.fd()};
  for (const worker::ListeningSocket& socket : order.sockets) kept.push_back(socket.fd);
  close_descriptors_but(std::move(kept));
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  dup2(null, 0);
  close(null);
}

Result<void> settle_identity(const WorkerOrder& order) {
  if (order.identity)
    if (Result<void> changed = become(*order.identity); !changed) return changed;
  switch (order.config.process.sandbox) {
    case config::Sandbox::Off:
      break;
    case config::Sandbox::Auto:
    case config::Sandbox::Strict:
      forbid_privileges();
      break;
  }
  return {};
}

int live_as_worker(WorkerOrder& order, Fd control, int access_fd) {
  SignalSource::settle_in_child();
  offer_to_oom_killer();
  const std::string name = slot_name(order.slot);
  const bool admin = order.slot == stats::kAdminSlot;
  prctl(PR_SET_NAME, (admin ? std::string("holdfast: admin") : "holdfast: w" + name).c_str());
  Fd access_log;
  if (access_fd >= 0) access_log = Fd(fcntl(access_fd, F_DUPFD_CLOEXEC, 3));
  // Its own from now on, so that the old file is let go when the logs are reopened.
  Fd error_log;
  if (const int fd = order.logs.error_file(); fd >= 0) error_log = Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  close_what_is_not_its_own(order, control, access_log, error_log);
  order.logs.use();
  if (error_log) log().adopt(std::move(error_log));
  log().set_role(admin ? name : "worker " + name);
  if (Result<void> settled = settle_identity(order); !settled) {
    const Error& why = settled.error();
    (void)send_control(control.get(), ControlKind::Failed, static_cast<std::uint64_t>(why.kind), why.message());
    return kExitPermission;
  }
  return worker::run({order.config, order.segment, order.limits, order.tickets, order.broadcast,
                      admin ? worker::Role::Admin : worker::Role::Traffic, order.slot, order.seat,
                      order.generation, std::move(control), std::move(order.sockets), std::move(access_log),
                      order.load});
}

ExitStatus status_of(const siginfo_t& info) {
  return {info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace

ErrorKind kind_of_failure(const ControlMessage& message) {
  constexpr auto kLast = static_cast<std::uint64_t>(ErrorKind::Internal);
  return message.value <= kLast ? static_cast<ErrorKind>(message.value) : ErrorKind::Unavailable;
}

std::string slot_name(std::uint32_t slot) {
  return slot == stats::kAdminSlot ? "admin" : std::to_string(slot);
}

Result<WorkerProcess> start_worker(WorkerOrder order) {
  Result<std::pair<Fd, Fd>> channel = make_control_channel();
  if (!channel) return channel.error();
  WorkerLog log = order.slot == stats::kAdminSlot ? WorkerLog() : WorkerLog(order.logs);
  const pid_t pid = fork();
  if (pid < 0) return no_process(errno, "a worker");
  // _exit: nothing that the master owns may be flushed, removed or told goodbye by a child.
  if (pid == 0) _exit(live_as_worker(order, std::move(channel->second), log.fd()));
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int code = errno;
    kill(pid, SIGKILL);
    return system_error(code, "watch a worker" + std::string(limit_behind(code)));
  }
  return WorkerProcess{order.id, order.slot,       order.generation,          order.seat,
                       pid,      std::move(pidfd), std::move(channel->first), std::move(log)};
}

std::optional<ExitStatus> reap(const WorkerProcess& process) {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(process.pidfd.get()), &info, WEXITED | WNOHANG) != 0) {
    // A process that was left by a binary which has crashed may have been reaped by that one.
    if (errno == ECHILD) return ExitStatus{false, ExitStatus::kUnknown};
    return std::nullopt;
  }
  if (info.si_pid == 0) return std::nullopt;
  return status_of(info);
}

pid_t ended_child() {
  siginfo_t info{};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return 0;
  return info.si_pid;
}

void reap_stranger(pid_t pid) {
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

}  // namespace holdfast::master
