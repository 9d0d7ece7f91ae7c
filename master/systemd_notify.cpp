#include "master/systemd_notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
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

constexpr int kFirstGiven = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kMostGiven = 65536;

std::vector<GivenDescriptor> announced() {
  std::vector<GivenDescriptor> given;
  const auto count = static_cast<int>(std::min(parse_decimal(variable("LISTEN_FDS")).value_or(0), kMostGiven));
  const std::string all_names = variable("LISTEN_FDNAMES");
  std::string_view names = all_names;
  for (int fd = kFirstGiven; fd < kFirstGiven + count; ++fd) {
    const std::size_t end = std::min(names.find(':'), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) given.push_back({std::string(name), Fd(fd)});
  }
  return given;
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
  if (variable("LISTEN_PID") == std::to_string(getpid())) notify.given_ = announced();
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

void SystemdNotify::store(const std::string& name, int fd) const {
  send("FDSTORE=1\nFDNAME=" + name, fd);
}

void SystemdNotify::remove(const std::string& name) const {
  send("FDSTOREREMOVE=1\nFDNAME=" + name);
}

void SystemdNotify::send(const std::string& message, int fd) const {
  sockaddr_un address{};
  if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';  // the abstract name space
  const Fd channel(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!channel) return;
  iovec piece{const_cast<char*>(message.data()), message.size()};
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    header.msg_control = room;
    header.msg_controllen = sizeof room;
    cmsghdr* const c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  (void)sendmsg(channel.get(), &header, MSG_NOSIGNAL);
}

}  // namespace holdfast::master
