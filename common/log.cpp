#include "common/log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>
#include <system_error>
#include <utility>

#include "common/ascii.h"

namespace holdfast {

namespace {

constexpr std::size_t kLineLimit = 8192;  // with the newline
constexpr std::size_t kTail = 16;         // room kept for closing a cut value and the line
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
constexpr std::array kSeverities{SyslogSeverity::Debug, SyslogSeverity::Info, SyslogSeverity::Warning,
                                 SyslogSeverity::Error};

void append_number(std::string& out, auto value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_padded(std::string& out, long value, std::size_t width) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  if (size < width) out.append(width - size, '0');
  out.append(digits.data(), size);
}

/// RFC 3339, UTC, milliseconds.
void append_time(std::string& out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  append_padded(out, parts.tm_year + 1900, 4);
  append_padded(out += '-', parts.tm_mon + 1, 2);
  append_padded(out += '-', parts.tm_mday, 2);
  append_padded(out += 'T', parts.tm_hour, 2);
  append_padded(out += ':', parts.tm_min, 2);
  append_padded(out += ':', parts.tm_sec, 2);
  append_padded(out += '.', now.tv_nsec / 1'000'000, 3);
  out += 'Z';
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=' || c == '\x7f';
         });
}

/// One line as it grows. A field that would not fit is cut, and nothing is taken after it: a JSON line stays
/// whole.
class LineWriter {
 public:
  LineWriter(std::string& line, LogFormat format) : line_(line), format_(format) {}

  /// Time and level are told by others.
  void begin(std::string_view event) { append_escaped(line_, event.substr(0, 1024)); }

  void begin(LogLevel level, std::string_view event) {
    const std::string_view name = kLevels[static_cast<std::size_t>(level)];
    event = event.substr(0, 1024);
    if (format_ == LogFormat::Json) {
      append_time(line_ += R"({"time":")");
      (line_ += R"(","level":")").append(name).append(R"(","event":")");
      append_json_escaped(line_, event);
      line_ += '"';
      return;
    }
    append_time(line_);
    line_.append(" ").append(name).append(name.size() < 5 ? "  " : " ");
    append_escaped(line_, event);
  }

  void add(const LogField& field) {
    if (full_) return;
    const std::size_t mark = line_.size();
    append_key(field.key);
    if (field.is_number || field.is_real) {
      append_value(field);
    } else {
      append_text(field.text);
    }
    full_ = line_.size() > kLineLimit - kTail;
    if (full_) cut_back(mark, field);
  }

  void end() { line_ += format_ == LogFormat::Json ? "}\n" : "\n"; }

 private:
  void append_key(std::string_view key) {
    if (format_ == LogFormat::Json) {
      append_json_escaped(line_ += ",\"", key);
      line_ += "\":";
    } else {
      append_escaped(line_ += ' ', key);
      line_ += '=';
    }
  }

  void append_value(const LogField& field) {
    if (field.is_number)
      append_number(line_, field.number);
    else if (format_ == LogFormat::Json && !std::isfinite(field.real))
      line_ += "null";
    else
      append_number(line_, field.real);
  }

  void append_text(std::string_view text, std::string_view tail = {}) {
    // No more is escaped than a line can take.
    text = text.substr(0, kLineLimit);
    const bool json = format_ == LogFormat::Json;
    const bool quoted = json || needs_quotes(text);
    if (quoted) line_ += '"';
    json ? append_json_escaped(line_, text) : append_escaped(line_, text);
    line_ += tail;
    if (quoted) line_ += '"';
  }

  /// Takes the field back to `mark` and appends as much of it as surely fits, or nothing.
  void cut_back(std::size_t mark, const LogField& field) {
    line_.resize(mark);
    const std::size_t reserve = kTail + 8 + field.key.size() * 6;
    if (field.is_number || field.is_real || mark + reserve >= kLineLimit) return;
    std::size_t room = kLineLimit - mark - reserve;
    append_key(field.key);
    const std::size_t value_at = line_.size();
    for (std::size_t length = std::min(room, field.text.size());; length /= 2) {
      append_text(at_character(field.text, length), kEllipsis);
      if (line_.size() <= kLineLimit - kTail) return;
      line_.resize(value_at);
    }
  }

  static std::string_view at_character(std::string_view text, std::size_t length) {
    while (length > 0 && length < text.size() && (text[length] & 0xc0) == 0x80) --length;
    return text.substr(0, length);
  }

  std::string& line_;
  LogFormat format_;
  bool full_ = false;
};

/// "worker 3" is the field worker=3, "master" the field role=master.
LogField role_field(std::string_view role) {
  const std::size_t space = role.find(' ');
  if (space != std::string_view::npos)
    if (const auto number = parse_decimal(role.substr(space + 1))) return {role.substr(0, space), *number};
  return {"role", role};
}

}  // namespace

void ErrorLogSink::configure(int fd, LogLevel level, LogFormat format, std::string_view target) {
  owned_.reset();
  const std::optional<std::string> syslog = syslog_socket_of(target);
  syslog_ = syslog ? std::optional<Syslog>(*syslog) : std::nullopt;
  use(fd);
  level_ = level;
  format_ = format;
}

void ErrorLogSink::set_role(std::string_view role) {
  role_ = role;
}

void ErrorLogSink::adopt(Fd fd) {
  owned_ = std::move(fd);
  use(owned_.get());
}

void ErrorLogSink::use(int fd) {
  fd_ = fd;
  struct stat status {};
  may_block_ = ::fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

// Whoever does not read the log must not hold the server up. A line is no longer than what a pipe that is
// writable takes at once. The descriptor is shared with others, so it is not made non-blocking.
bool ErrorLogSink::would_wait() const {
  pollfd ready{fd_, POLLOUT, 0};
  return may_block_ && ::poll(&ready, 1, 0) == 0;
}

std::uint64_t ErrorLogSink::take_dropped() {
  return std::exchange(dropped_, 0);
}

void ErrorLogSink::write(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  if (!enabled(level)) return;
  const int saved = errno;
  line_.clear();
  if (torn_) line_ += '\n';
  LineWriter line(line_, format_);
  if (syslog_ && format_ == LogFormat::Text)
    line.begin(event);
  else
    line.begin(level, event);
  for (const LogField& field : fields) line.add(field);
  if (!role_.empty()) {
    const LogField role = role_field(role_);
    if (std::ranges::none_of(fields, [&](const LogField& field) { return field.key == role.key; }))
      line.add(role);
  }
  line.end();
  if (put_line(level) && lost_.any()) tell_of_lost();
  errno = saved;
}

bool ErrorLogSink::put_line(LogLevel level) {
  if (syslog_) {
    const std::string_view line(line_.data(), line_.size() - 1);
    const int problem = syslog_->send(fd_, kSeverities[static_cast<std::size_t>(level)], line);
    if (problem == 0) return true;
    lose_line(problem == EAGAIN ? "nobody reads it" : std::generic_category().message(problem));
    return false;
  }
  if (would_wait()) return lose_line("nobody reads it"), false;
  ssize_t written = 0;
  do {
    written = ::write(fd_, line_.data(), line_.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line_.size())) {
    torn_ = false;
    return true;
  }
  // A file takes a part only where the disk, or a limit, ends.
  const int code = written < 0 ? errno : may_block_ ? EAGAIN : ENOSPC;
  // What was cut in the middle must not swallow the line after it.
  if (written > 0) torn_ = !take_back(fd_, static_cast<std::size_t>(written));
  lose_line(code == EAGAIN ? "nobody reads it" : std::generic_category().message(code));
  return false;
}

void ErrorLogSink::tell_of_lost() {
  const TimePoint now = Clock::now();
  const std::uint64_t lines = lost_.written(now);
  if (lines == 0) return;
  warning("log lines were lost", {{"lines", lines}});
  // Where this one did not get through either, it is to be told later.
  if (lost_.any()) lost_.lost(lines, now);
}

void ErrorLogSink::lose_line(std::string_view why) {
  ++dropped_;
  if (lost_.lost(1, Clock::now())) complain(why);
}

/// On the standard error stream, if that is another than the log.
void ErrorLogSink::complain(std::string_view why) const {
  struct stat ours {};
  struct stat stream {};
  if (fd_ == STDERR_FILENO || ::fstat(STDERR_FILENO, &stream) != 0) return;
  if (::fstat(fd_, &ours) == 0 && ours.st_dev == stream.st_dev && ours.st_ino == stream.st_ino) return;
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1) return;
  std::string text;
  LineWriter line(text, format_);
  line.begin(LogLevel::Warning, "the error log cannot be written: its lines are lost, and counted");
  line.add({"problem", why});
  if (!role_.empty()) line.add(role_field(role_));
  line.end();
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

ErrorLogSink& log() {
  static ErrorLogSink sink;
  return sink;
}

bool LogRate::allow(TimePoint now) {
  if (now - window_start_ >= interval_) {
    window_start_ = now;
    used_ = 0;
  }
  if (used_ >= burst_) {
    ++held_back_;
    return false;
  }
  ++used_;
  reported_ = std::exchange(held_back_, 0);
  return true;
}

}  // namespace holdfast
