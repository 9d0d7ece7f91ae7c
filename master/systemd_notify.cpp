#include "master/systemd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/ascii.h"
#include "common/fd.h"

namespace holdfast::master {
namespace {

std::string take_variable(const char* name) {
  const char* value = getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

}  // namespace

SystemdNotify SystemdNotify::from_environment() {
  SystemdNotify notify;
  notify.socket_ = take_variable("NOTIFY_SOCKET");
  const std::string watched_pid = take_variable("WATCHDOG_PID");
  const std::string watchdog = take_variable("WATCHDOG_USEC");
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) take_variable(name);
  if (!watched_pid.empty() && watched_pid != std::to_string(getpid())) return notify;
  const std::uint64_t microseconds = parse_decimal(watchdog).value_or(0);
  notify.watchdog_interval_ = std::chrono::microseconds(microseconds / 2);
  return notify;
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
