// The error log: an event, then key=value fields; one line, one write; the level is checked before anything is
// formatted. One per process, set up before the first line; workers inherit it by fork and get a new descriptor
// on reopening. Lines that cannot be written are counted; that they are lost is told on stderr, and in the log
// itself how many when it takes lines again. Values are escaped (control bytes, quotes, backslash as \xHH), so
// that no peer can forge a line.
//
//   log().info("worker ready", {{"worker", 3}, {"pid", pid}});
//   2026-11-23T22:14:03.123Z info  worker ready worker=3 pid=4711                       (text)
//   {"time":"2026-11-23T22:14:03.123Z","level":"info","event":"worker ready","worker":3} (json)
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/fd.h"
#include "common/lost_lines.h"
#include "common/syslog.h"

namespace holdfast {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
enum class LogFormat : std::uint8_t { Text, Json };

/// A field's value: text or a number; views only, alive for the call.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key(key), text(value) {}
  LogField(std::string_view key, const char* value) : key(key), text(value) {}
  LogField(std::string_view key, const std::string& value) : key(key), text(value) {}
  LogField(std::string_view key, std::integral auto value)
      : key(key), number(static_cast<std::int64_t>(value)), is_number(true) {}
  LogField(std::string_view key, double value) : key(key), real(value), is_real(true) {}

  std::string_view key;
  std::string_view text;
  std::int64_t number = 0;
  double real = 0;
  bool is_number = false;
  bool is_real = false;
};

class ErrorLogSink {
 public:
  using Fields = std::initializer_list<LogField>;

  /// `fd` is borrowed until replaced; 2 (stderr) at first. `target` as in the configuration; only a syslog's is
  /// looked at.
  void configure(int fd, LogLevel level, LogFormat format, std::string_view target = {});
  void set_role(std::string_view role);  // "master", "worker 3", "admin"
  /// Replaces the descriptor with one that the log owns from now on (USR1).
  void adopt(Fd fd);
  bool enabled(LogLevel level) const { return level >= level_; }

  void debug(std::string_view event, Fields fields = {}) { write(LogLevel::Debug, event, spanned(fields)); }
  void info(std::string_view event, Fields fields = {}) { write(LogLevel::Info, event, spanned(fields)); }
  void warning(std::string_view event, Fields fields = {}) { write(LogLevel::Warning, event, spanned(fields)); }
  void error(std::string_view event, Fields fields = {}) { write(LogLevel::Error, event, spanned(fields)); }
  void write(LogLevel level, std::string_view event, std::span<const LogField> fields);

  /// Lines that could not be written whole; the owner of the statistics reads and clears it.
  std::uint64_t take_dropped();

 private:
  static std::span<const LogField> spanned(Fields fields) { return {fields.begin(), fields.size()}; }
  bool put_line(LogLevel level);
  bool would_wait() const;
  void tell_of_lost();
  void lose_line(std::string_view why);
  void complain(std::string_view why) const;
  void use(int fd);

  int fd_ = 2;
  std::optional<Syslog> syslog_;
  bool may_block_ = true;  // a pipe, terminal or socket: somebody has to read it
  Fd owned_;
  LogLevel level_ = LogLevel::Info;
  LogFormat format_ = LogFormat::Text;
  std::string role_;
  std::string line_;   // reused
  bool torn_ = false;  // the last line was written in part only
  std::uint64_t dropped_ = 0;
  LostLines lost_;
};

/// This process's error log.
ErrorLogSink& log();

/// At most `burst` lines in each `interval` from one place in the code; tells how many were kept back with the
/// next one.
class LogRate {
 public:
  LogRate(std::uint32_t burst, Milliseconds interval) : burst_(burst), interval_(interval) {}
  /// True when a line may be written now; `suppressed()` then tells how many were not since the last one.
  bool allow(TimePoint now);
  std::uint64_t suppressed() const { return reported_; }

 private:
  std::uint32_t burst_;
  Milliseconds interval_;
  TimePoint window_start_{};
  std::uint32_t used_ = 0;
  std::uint64_t held_back_ = 0;
  std::uint64_t reported_ = 0;
};

/// Appends `text` with control bytes, double quotes, backslashes and bytes that are not UTF-8 as \xHH: safe
/// inside a quoted log field.
void append_escaped(std::string& out, std::string_view text);
/// Appends `text` as the inside of a JSON string; bytes that are not UTF-8 become U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace holdfast
