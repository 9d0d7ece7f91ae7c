#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/log.h"
#include "worker/http/access_format.h"
#include "worker/http/access_record.h"

namespace holdfast::http {

namespace {

constexpr std::size_t kFlushAbove = 65536;

/// A pipe's reader may be slow, and setting the pipe non-blocking would change it for everyone who holds it: it
/// is opened once more for us alone. Where that is not allowed it stays as it is.
Fd own_description(Fd pipe) {
  const std::string path = "/proc/self/fd/" + std::to_string(pipe.get());
  Fd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return own ? std::move(own) : std::move(pipe);
}

ssize_t write_without_waiting(int fd, bool is_socket, std::string_view bytes) {
  ssize_t written = 0;
  do {
    written = is_socket ? ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                        : ::write(fd, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

std::uint64_t lines_in(std::string_view bytes) {
  return static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
}

}  // namespace

AccessLogWriter::AccessLogWriter(AccessFormatHandle format, Fd fd) : format_(std::move(format)) {
  take(std::move(fd));
}

AccessLogWriter::~AccessLogWriter() {
  flush();
}

void AccessLogWriter::add(const AccessEntry& entry, std::time_t wall_seconds, std::uint32_t wall_milliseconds) {
  append_access_line(pending_, *format_, entry, wall_seconds, wall_milliseconds);
  if (pending_.size() > kFlushAbove) flush();
}

void AccessLogWriter::flush() {
  if (pending_.empty()) return;
  const ssize_t result = write_without_waiting(fd_.get(), socket_, pending_);
  const std::size_t written = result < 0 ? 0 : static_cast<std::size_t>(result);
  if (written == pending_.size()) {
    pending_.clear();
    line_begun_ = false;
    if (lost_.any()) tell_of_lost();
    return;
  }
  const int code = result < 0 ? errno : socket_ ? EAGAIN : ENOSPC;
  drop_after(written, code);
}

void AccessLogWriter::drop_after(std::size_t written, int code) {
  // In a file that has no room the line's front is taken back, as far as it came by this call.
  const std::size_t whole = written == 0 ? 0 : pending_.rfind('\n', written - 1) + 1;
  if (whole < written && (whole > 0 || !line_begun_) && take_back(fd_.get(), written - whole)) written = whole;
  // A line of which the front is already out is finished by the next call, so that no torn line stands in the
  // log; those behind it are lost.
  line_begun_ = written > 0 ? pending_[written - 1] != '\n' : line_begun_;
  const std::size_t keep_end = line_begun_ ? pending_.find('\n', written) + 1 : written;
  lose(lines_in(std::string_view(pending_).substr(keep_end)), code);
  pending_.erase(keep_end);
  pending_.erase(0, written);
}

void AccessLogWriter::reopen(Fd fd) {
  flush();
  // The rest of a line begun in the old file has no place in the new one.
  if (!pending_.empty()) lose(lines_in(pending_), ENOSPC);
  pending_.clear();
  line_begun_ = false;
  take(std::move(fd));
}

void AccessLogWriter::lose(std::uint64_t lines, int code) {
  dropped_ += lines;
  if (lines > 0 && lost_.lost(lines, Clock::now()))
    log().warning("the access log cannot be written: its lines are lost, and counted",
                  {{"problem", code == EAGAIN ? "nobody reads it" : std::strerror(code)}});
}

void AccessLogWriter::tell_of_lost() {
  if (const std::uint64_t lines = lost_.written(Clock::now()); lines > 0)
    log().warning("access log lines were lost", {{"lines", lines}});
}

void AccessLogWriter::take(Fd fd) {
  struct stat status {};
  const bool known = ::fstat(fd.get(), &status) == 0;
  socket_ = known && S_ISSOCK(status.st_mode);
  fd_ = known && S_ISFIFO(status.st_mode) ? own_description(std::move(fd)) : std::move(fd);
}

std::uint64_t AccessLogWriter::take_dropped() {
  return std::exchange(dropped_, 0);
}

}  // namespace holdfast::http
