#include "master/systemd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/ascii.h"
#include "common/fd.h"

namespace holdfast::master {
namespace {

constexpr std::array kVariables{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
                                "LISTEN_FDS",    "LISTEN_PID",   "LISTEN_FDNAMES"};

std::string variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

SystemdNotify SystemdNotify::from_environment() {
  SystemdNotify notify;
  notify.socket_ = variable("NOTIFY_SOCKET");
  const std::string watched_pid = variable("WATCHDOG_PID");
  if (watched_pid.empty() || watched_pid == std::to_string(getpid())) {
    notify.watchdog_ = variable("WATCHDOG_USEC");
    const std::uint64_t microseconds = parse_decimal(notify.watchdog_).value_or(0);
    notify.watchdog_interval_ = std::chrono::microseconds(microseconds / 2);
  }
  clear_environment();
  return notify;
}

void SystemdNotify::restore_environment() const {
  if (!socket_.empty()) setenv("NOTIFY_SOCKET", socket_.c_str(), 1);
  if (!watchdog_.empty()) setenv("WATCHDOG_USEC", watchdog_.c_str(), 1);
}

void SystemdNotify::clear_environment() {
  for (const char* name : kVariables) unsetenv(name);
}

void SystemdNotify::ready(std::string_view status) const {
  send("READY=1\nMAINPID=" + std::to_string(getpid()) + "\nSTATUS=" + std::string(status));
}

void SystemdNotify::reloading(TimePoint now) const {
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=Reloading");
}

void SystemdNotify::stopping() const {
  send("STOPPING=1\nSTATUS=Stopping");
}

void SystemdNotify::status(std::string_view status) const {
  send("STATUS=" + std::string(status));
}

void SystemdNotify::watchdog() const {
  send("WATCHDOG=1");
}

void SystemdNotify::send(const std::string& message) const {
  sockaddr_un address{};
  if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';  // the abstract name space
  const Fd channel(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!channel) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  (void)sendto(channel.get(), message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<sockaddr*>(&address), length);
}

}  // namespace holdfast::master
