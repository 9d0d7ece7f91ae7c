// The log line of a worker's end: how it ended and, when nobody asked it to, what it was doing.
#pragma once

#include <string>

#include "common/log.h"
#include "common/stats/stats_segment.h"
#include "master/exit_status.h"
#include "master/worker_process.h"

namespace holdfast::master {

/// `activity` is the dead process's, read before its seat is retired.
void log_end(const WorkerProcess& process, const ExitStatus& status, stats::ExitReason reason,
             const stats::Activity& activity);

/// A process that has stood still for so long, and what it is in.
void log_hang(const WorkerProcess& process, Duration standstill, const stats::Activity& activity);

/// ", while it was opening /x.so for the route /y": of what was in work; empty when nothing was.
std::string work_text(const stats::Activity& activity);

/// The field `worker`: the slot's number, or "admin".
LogField worker_field(std::uint32_t slot);

}  // namespace holdfast::master
