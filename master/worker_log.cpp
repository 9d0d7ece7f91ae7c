#include "master/worker_log.h"

#include <fcntl.h>

#include <string>
#include <utility>

#include "common/line_output.h"

namespace holdfast::master {
namespace {

constexpr std::size_t kMostOpened = 8;

Fd one_more(const LogFiles& logs) {
  const int fd = logs.access_fd();
  if (fd < 0) return {};
  if (logs.access_file() >= 0) {
    // Not by its name, which may be another file's by now.
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (Fd own(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)); own) return own;
  }
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

WorkerLog::WorkerLog(const LogFiles& logs) {
  if (Fd fd = one_more(logs)) opened_.push_back(std::move(fd));
}

WorkerLog::WorkerLog(Fd fd, std::uint64_t opening) : first_(opening) {
  if (fd) opened_.push_back(std::move(fd));
}

void WorkerLog::reopen(const LogFiles& logs, const stats::KeptLines& kept) {
  if (opened_.empty()) return;
  const std::uint64_t in_use = kept.opening.load(std::memory_order_acquire);
  // One that has not heard of so many is not going to.
  while (opened_.size() > 1 && (first_ < in_use || opened_.size() >= kMostOpened)) {
    opened_.erase(opened_.begin());
    ++first_;
  }
  if (Fd fd = one_more(logs)) opened_.push_back(std::move(fd));
}

// A signal ends a process between two calls: one that was under way has been made, unless it had not begun.
// That shows in the place of the descriptor; where there is none, the call was far the longer of the two.
bool WorkerLog::is_written(const stats::KeptLines& kept) const {
  const std::uint64_t writing = kept.writing.load(std::memory_order_acquire);
  if (writing == 0) return false;
  const std::uint64_t opening = kept.opening.load(std::memory_order_acquire);
  if (writing == stats::KeptLines::kNoPlace || opening < first_ || opening - first_ >= opened_.size())
    return true;
  return place_of(opened_[opening - first_].get()) != writing - 1;
}

WorkerLog::Outcome WorkerLog::take_over(const stats::KeptLines& kept, std::string_view target) const {
  std::string_view lines = kept.waiting();
  // Whole lines only, whatever the process has done to them.
  lines = lines.substr(0, lines.rfind('\n') + 1);
  if (lines.empty() || opened_.empty() || is_written(kept)) return {};
  LineOutput output(Fd(::fcntl(fd(), F_DUPFD_CLOEXEC, 3)), target);
  const LineOutput::Outcome outcome = output.write(lines);
  return {lines_in(lines.substr(0, outcome.written)), lines_in(lines.substr(outcome.written))};
}

}  // namespace holdfast::master
