#include "worker/http/access_log_writer.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/log.h"
#include "worker/http/access_format.h"

namespace holdfast::http {

namespace {

constexpr std::size_t kFlushAbove = 32768;

}  // namespace

AccessLogWriter::AccessLogWriter(AccessFormatHandle format, LineOutput output, stats::KeptLines& kept)
    : format_(std::move(format)), output_(std::move(output)), kept_(kept) {}

AccessLogWriter::~AccessLogWriter() {
  flush();
}

void AccessLogWriter::add(const AccessEntry& entry, std::time_t wall_seconds, std::uint32_t wall_milliseconds) {
  line_.clear();
  append_access_line(line_, *format_, entry, wall_seconds, wall_milliseconds);
  if (line_.size() > kept_.room()) flush();
  if (line_.size() > kept_.room()) return write_alone(line_);
  kept_.append(line_);
  if (kept_.waiting().size() > kFlushAbove) flush();
}

void AccessLogWriter::flush() {
  const std::string_view lines = kept_.waiting();
  if (lines.empty()) return;
  kept_.begin_write(output_.place().value_or(stats::KeptLines::kNoPlace));
  const LineOutput::Outcome outcome = output_.write(lines);
  if (outcome.problem == 0)
    kept_.drop_front(lines.size());
  else
    drop_after(outcome.written, outcome.problem);
  kept_.end_write();
  if (outcome.problem == 0 && lost_.any()) tell_of_lost();
}

// One that is longer than the room for all.
void AccessLogWriter::write_alone(std::string_view line) {
  if (output_.line_begun()) return lose(1, EAGAIN);
  const LineOutput::Outcome outcome = output_.write(line);
  if (outcome.problem == 0) return;
  // What follows must not be taken for a part of it.
  if (output_.line_begun()) (void)output_.write("\n");
  lose(1, outcome.problem);
}

void AccessLogWriter::drop_after(std::size_t written, int problem) {
  // A line of which the front is already out is finished by the next call, so that no torn line stands in the
  // log; those behind it are lost.
  const std::string_view lines = kept_.waiting();
  const std::size_t keep_end = output_.line_begun() ? lines.find('\n', written) + 1 : written;
  lose(lines_in(lines.substr(keep_end)), problem);
  kept_.keep_front(keep_end);
  kept_.drop_front(written);
}

void AccessLogWriter::reopen(Fd fd) {
  flush();
  // The rest of a line begun in the old file has no place in the new one.
  lose(lines_in(kept_.waiting()), ENOSPC);
  kept_.keep_front(0);
  output_.replace(std::move(fd));
  kept_.opening.store(kept_.opening.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void AccessLogWriter::lose(std::uint64_t lines, int problem) {
  dropped_ += lines;
  if (lines > 0 && lost_.lost(lines, Clock::now()))
    log().warning("the access log cannot be written: its lines are lost, and counted",
                  {{"problem", problem == EAGAIN ? "nobody reads it" : std::strerror(problem)}});
}

void AccessLogWriter::tell_of_lost() {
  if (const std::uint64_t lines = lost_.written(Clock::now()); lines > 0)
    log().warning("access log lines were lost", {{"lines", lines}});
}

std::uint64_t AccessLogWriter::take_dropped() {
  return std::exchange(dropped_, 0);
}

}  // namespace holdfast::http
