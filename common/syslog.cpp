#include "common/syslog.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace holdfast {
namespace {

constexpr std::string_view kWord = "syslog";
constexpr int kDaemon = 3 << 3;  // the facility

/// "<30>Nov  8 09:05:00 holdfast[4711]: ", as RFC 3164 has it, in local time.
std::size_t write_front(std::array<char, 96>& out, int priority) {
  const std::time_t now = std::time(nullptr);
  tm local{};
  localtime_r(&now, &local);
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int size =
      std::snprintf(out.data(), out.size(), "<%d>%s %2d %02d:%02d:%02d holdfast[%d]: ", priority,
                    kMonths[static_cast<std::size_t>(local.tm_mon) % kMonths.size()], local.tm_mday,
                    local.tm_hour, local.tm_min, local.tm_sec, static_cast<int>(::getpid()));
  return std::min(static_cast<std::size_t>(size), out.size() - 1);
}

}  // namespace

std::optional<std::string> syslog_socket_of(std::string_view target) {
  if (target == kWord) return "/dev/log";
  if (!target.starts_with("syslog:/")) return std::nullopt;
  return std::string(target.substr(kWord.size() + 1));
}

Result<Fd> open_syslog(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return system_error(errno, "no syslog at " + path);
  if (!S_ISSOCK(status.st_mode))
    return Error{ErrorKind::Configuration, 0, "no syslog at " + path + ": it is no socket"};
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error(errno, "cannot open a socket for syslog");
  return socket;
}

Syslog::Syslog(std::string_view path) {
  address_.sun_family = AF_UNIX;
  const std::size_t size = std::min(path.size(), sizeof address_.sun_path - 1);
  std::memcpy(address_.sun_path, path.data(), size);
}

int Syslog::send(int fd, SyslogSeverity severity, std::string_view text) const {
  std::array<char, 96> front;
  std::array<iovec, 2> parts{};
  parts[0] = {front.data(), write_front(front, kDaemon | static_cast<int>(severity))};
  parts[1] = {const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  // Named each time: a syslog that was started anew is found again.
  message.msg_name = const_cast<sockaddr_un*>(&address_);
  message.msg_namelen = sizeof address_;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

}  // namespace holdfast
