// The log files of the server: used, turned over, and what dead workers have left for them.
#include "common/log.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {

void Master::reopen_logs() {
  if (!serving_) return;
  bool all = true;
  for (Generation* generation : {serving_.get(), pending_.get()}) {
    if (generation == nullptr) continue;
    if (Result<void> reopened = generation->logs.reopen(); !reopened) {
      all = false;
      log().error("log files not reopened: the old ones go on", {{"problem", reopened.error().message()}});
    }
  }
  serving_->logs.use();
  for (auto& [id, process] : processes_) {
    const LogFiles& logs = generation_of(process.generation).logs;
    int access = -1;
    if (process.slot != stats::kAdminSlot && logs.access_file() >= 0) {
      process.log.reopen(logs, segment_->seat(process.seat).lines);
      access = process.log.fd();
    }
    (void)send_control(process.control.get(), ControlKind::ReopenLogs, 0, {}, logs.error_file(), access);
  }
  if (!all) return;
  log_watch_.opened();
  log().info("log files reopened");
}

// They were renamed or removed, and nobody has sent USR1.
void Master::follow_moved_logs(TimePoint now) {
  if (!serving_ || log_watch_.next() > now) return;
  if (log_watch_.looked(serving_->logs.moved(), now)) reopen_logs();
}

// What the process had still to write to the access log.
void Master::take_over_lines(const WorkerLog& worker_log, std::uint32_t seat) {
  if (!serving_) return;
  const WorkerLog::Outcome outcome =
      worker_log.take_over(segment_->seat(seat).lines, serving_->config->log.access.to);
  if (outcome.written > 0)
    log().info("wrote the access log lines that a worker left", {{"lines", outcome.written}});
  if (outcome.lost > 0)
    log().warning("access log lines that a worker left are lost", {{"lines", outcome.lost}});
  stats_->count_dropped_lines(outcome.lost);
}

}  // namespace holdfast::master
