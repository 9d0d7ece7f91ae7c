// The end of a worker in words: how it ended and, when nobody asked it to, what it was doing and where it was.
#pragma once

#include <string>

#include "common/log.h"
#include "common/stats/stats_segment.h"
#include "master/exit_status.h"
#include "master/worker_process.h"

namespace holdfast::master {

/// All that is known of an end. Read before the dead process's seat is retired.
stats::Death death_of(const WorkerProcess& process, const ExitStatus& status, stats::ExitReason reason,
                      const stats::Segment& segment, WallTime now);

/// The end of a process that was asked to leave: nothing to explain.
bool was_expected(stats::ExitReason reason);

/// One line.
void log_end(const stats::Death& death);
/// A process that has stood still for so long, and what it is in.
void log_hang(const WorkerProcess& process, Duration standstill, const stats::Activity& activity);

/// "SEGV_MAPERR at 0x10", "blocked system call: ptrace (101)": what the kernel says of it. Empty where nothing
/// was written down; signals that somebody has sent have no address.
std::string fault_of(const stats::CrashRecord& crash, pid_t pid);
/// ", while it was opening /x.so for the route /y": of what was in work; empty when nothing was.
std::string work_text(const stats::Activity& activity);

/// The field `worker`: the slot's number, or "admin".
LogField worker_field(std::uint64_t slot);

}  // namespace holdfast::master
