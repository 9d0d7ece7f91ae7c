#include "common/line_output.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/lost_lines.h"

namespace holdfast {
namespace {

/// A pipe's reader may be slow, and setting the pipe non-blocking would change it for everyone who holds it: it
/// is opened once more for us alone. Where that is not allowed it stays as it is.
Fd own_description(Fd pipe) {
  const std::string path = "/proc/self/fd/" + std::to_string(pipe.get());
  Fd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return own ? std::move(own) : std::move(pipe);
}

bool takes_datagrams(int socket) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

ssize_t write_once(int fd, bool is_socket, std::string_view bytes) {
  ssize_t written = 0;
  do {
    written = is_socket ? ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                        : ::write(fd, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

/// Lines that a pipe takes in one piece (PIPE_BUF), or the first one if that is longer.
std::string_view first_piece(std::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines;
  std::size_t end = lines.rfind('\n', PIPE_BUF - 1);
  if (end == std::string_view::npos) end = lines.find('\n');
  return lines.substr(0, end == std::string_view::npos ? lines.size() : end + 1);
}

}  // namespace

LineOutput::LineOutput(Fd fd, std::string_view target) {
  if (const std::optional<std::string> path = syslog_socket_of(target)) syslog_.emplace(*path);
  take(std::move(fd));
}

void LineOutput::take(Fd fd) {
  struct stat status {};
  const bool known = ::fstat(fd.get(), &status) == 0;
  if (!known || S_ISREG(status.st_mode))
    kind_ = Kind::File;
  else if (!S_ISSOCK(status.st_mode))
    kind_ = Kind::Pipe;
  else
    kind_ = syslog_ && takes_datagrams(fd.get()) ? Kind::Syslog : Kind::Socket;
  fd_ = known && S_ISFIFO(status.st_mode) ? own_description(std::move(fd)) : std::move(fd);
}

void LineOutput::replace(Fd fd) {
  begun_ = false;
  take(std::move(fd));
}

LineOutput::Outcome LineOutput::write(std::string_view lines) {
  switch (kind_) {
    case Kind::File:
      return write_file(lines);
    case Kind::Pipe:
    case Kind::Socket:
      return write_stream(lines);
    case Kind::Syslog:
      return write_syslog(lines);
  }
  return {};
}

LineOutput::Outcome LineOutput::write_file(std::string_view lines) {
  const ssize_t result = write_once(fd_.get(), false, lines);
  if (result == static_cast<ssize_t>(lines.size())) {
    begun_ = false;
    return {lines.size(), 0};
  }
  // A file takes a part only where the disk, or a limit, ends.
  Outcome outcome{result < 0 ? 0 : static_cast<std::size_t>(result), result < 0 ? errno : ENOSPC};
  if (outcome.written == 0) return outcome;
  // The front of a line is taken back, as far as it came by this call.
  const std::size_t newline = lines.rfind('\n', outcome.written - 1);
  const std::size_t whole = newline == std::string_view::npos ? 0 : newline + 1;
  if (whole < outcome.written && (whole > 0 || !begun_) && take_back(fd_.get(), outcome.written - whole))
    outcome.written = whole;
  if (outcome.written > 0) begun_ = lines[outcome.written - 1] != '\n';
  return outcome;
}

LineOutput::Outcome LineOutput::write_stream(std::string_view lines) {
  Outcome outcome;
  while (outcome.written < lines.size()) {
    const std::string_view piece = first_piece(lines.substr(outcome.written));
    const ssize_t result = write_once(fd_.get(), kind_ == Kind::Socket, piece);
    if (result > 0) {
      outcome.written += static_cast<std::size_t>(result);
      begun_ = lines[outcome.written - 1] != '\n';
    }
    if (result != static_cast<ssize_t>(piece.size())) {
      outcome.problem = result < 0 ? errno : EAGAIN;
      break;
    }
  }
  return outcome;
}

LineOutput::Outcome LineOutput::write_syslog(std::string_view lines) const {
  Outcome outcome;
  while (outcome.written < lines.size() && outcome.problem == 0) {
    const std::string_view line =
        lines.substr(outcome.written, lines.find('\n', outcome.written) - outcome.written);
    outcome.problem = syslog_->send(fd_.get(), SyslogSeverity::Info, line);
    if (outcome.problem == 0) outcome.written += line.size() + 1;
  }
  return outcome;
}

std::optional<std::uint64_t> LineOutput::place() const {
  return kind_ == Kind::File ? place_of(fd_.get()) : std::nullopt;
}

std::optional<std::uint64_t> place_of(int fd) {
  const off_t place = ::lseek(fd, 0, SEEK_CUR);
  return place < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(place));
}

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

}  // namespace holdfast
