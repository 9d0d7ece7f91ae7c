// The access log as one worker has it: the master holds the same descriptors, and with them sees after the
// worker's end whether the lines that it was writing are in the file; what is not, it writes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/fd.h"
#include "common/stats/kept_lines.h"
#include "master/log_files.h"

namespace holdfast::master {

class WorkerLog {
 public:
  /// Of a worker that has no access log.
  WorkerLog() = default;
  /// Opens what `logs` has open once more, for this worker alone: how far a descriptor has come is known of
  /// those that nobody else writes through. Where that cannot be done it is shared, and less is known.
  explicit WorkerLog(const LogFiles& logs);
  /// One that a predecessor held; `opening` as in KeptLines.
  WorkerLog(Fd fd, std::uint64_t opening);

  /// The newest descriptor, borrowed; -1: the worker has no access log.
  int fd() const { return opened_.empty() ? -1 : opened_.back().get(); }
  std::uint64_t opening() const { return first_ + (opened_.empty() ? 0 : opened_.size() - 1); }

  /// After a rotation: what `logs` has now, to be sent to the worker. Those that it has let go are closed.
  void reopen(const LogFiles& logs, const stats::KeptLines& kept);

  struct Outcome {
    std::uint64_t written = 0;
    std::uint64_t lost = 0;
  };
  /// Writes the lines that a worker has left, to the end of the file as it is now; `target` as in the
  /// configuration. To be called once, when the process is gone.
  Outcome take_over(const stats::KeptLines& kept, std::string_view target) const;

 private:
  bool is_written(const stats::KeptLines& kept) const;

  std::vector<Fd> opened_;
  std::uint64_t first_ = 0;  // the opening of opened_.front()
};

}  // namespace holdfast::master
