// The access log on its way out: lines are collected in shared memory and written many at once. What a worker
// leaves behind there at its end, however it ends, is written by the master (master/worker_log.h).
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/line_output.h"
#include "common/lost_lines.h"
#include "common/stats/kept_lines.h"
#include "worker/http/access_record.h"

namespace holdfast::http {

/// Owner of the access log's descriptor; `kept` outlives it and is written by nobody else. Never blocks: a
/// descriptor that would block or fails costs the lines, which are counted.
class AccessLogWriter {
 public:
  AccessLogWriter(AccessFormatHandle format, LineOutput output, stats::KeptLines& kept);
  ~AccessLogWriter();
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;

  void add(const AccessEntry& entry, std::time_t wall_seconds, std::uint32_t wall_milliseconds);
  /// Whether lines wait to be written: whoever adds them sees to it that flush() follows before anybody misses
  /// them. add() calls it itself when enough is there for a call that is worth it.
  bool waiting() const { return !kept_.waiting().empty(); }
  /// Writes what is collected, whole lines only as far as that can be.
  void flush();
  /// USR1: flushes to the old descriptor, then goes on with the new one.
  void reopen(Fd fd);
  std::uint64_t take_dropped();

 private:
  void write_alone(std::string_view line);
  void drop_after(std::size_t written, int problem);
  void lose(std::uint64_t lines, int problem);
  void tell_of_lost();

  AccessFormatHandle format_;
  LineOutput output_;
  stats::KeptLines& kept_;
  std::string line_;  // reused
  std::uint64_t dropped_ = 0;
  LostLines lost_;
};

}  // namespace holdfast::http
