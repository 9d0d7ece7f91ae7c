// Reads what a server writes to its log stream, on a thread of its own so that the server is never held up, and
// lets a test wait for an event. Lines are kept until the end: they are shown when the test fails.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"

namespace holdfast::support {

/// "2026-11-23T22:14:03.123Z info  ready generation=1 workers=2" in parts. Lines of another shape have only
/// `raw`.
struct LogLine {
  std::string raw;
  std::optional<WallTime> time;
  std::string level;
  std::string event;
  std::map<std::string, std::string> fields;
  /// A field's text, empty when it is not there.
  std::string field(const std::string& key) const;
  long number(const std::string& key) const;
};
LogLine parse_log_line(std::string_view line);

class LogCollector {
 public:
  using Match = std::function<bool(const LogLine&)>;

  explicit LogCollector(Fd stream);
  ~LogCollector();
  LogCollector(const LogCollector&) = delete;
  LogCollector& operator=(const LogCollector&) = delete;

  /// Lines so far: a place to wait from.
  std::size_t mark() const;
  /// The first line from `mark` on that matches, awaited; empty at the deadline or when the stream has ended.
  std::optional<LogLine> wait(const Match& match, std::size_t mark, Milliseconds in);
  std::optional<LogLine> wait_event(std::string_view event, std::size_t mark, Milliseconds in);
  std::vector<LogLine> lines(std::size_t mark = 0) const;
  std::string text() const;

 private:
  void read_all();
  void add_line(std::string_view line);

  Fd stream_;
  Fd stop_read_;
  Fd stop_write_;
  mutable std::mutex mutex_;
  std::condition_variable grown_;
  std::vector<LogLine> lines_;
  bool ended_ = false;
  std::thread reader_;
};

}  // namespace holdfast::support
