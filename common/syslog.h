// Lines for the machine's syslog: one datagram each, in the form that the C library's syslog(3) sends. Not
// syslog(3) itself, which waits for a reader and opens its socket anew where a locked-in worker may not.
#pragma once

#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast {

enum class SyslogSeverity : int { Error = 3, Warning = 4, Info = 6, Debug = 7 };

/// The socket that a log target names: "syslog" is /dev/log, "syslog:/PATH" another one; empty: it is something
/// else.
std::optional<std::string> syslog_socket_of(std::string_view target);

/// A socket to send from. Fails, with the path, where nothing listens there.
Result<Fd> open_syslog(const std::string& path);

class Syslog {
 public:
  /// `path` of the socket that reads; at most 107 bytes.
  explicit Syslog(std::string_view path);
  /// Sends one line, without its end, from the socket `fd`. Never waits. 0, or the errno.
  int send(int fd, SyslogSeverity severity, std::string_view text) const;

 private:
  sockaddr_un address_{};
};

}  // namespace holdfast
