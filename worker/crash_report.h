// A process that dies of a fault writes down where: signal, address, thread and the frames of its stack, by
// means that are safe in a signal handler only. Then the signal takes its course, so that the exit status and a
// core file are those of the fault itself.
#pragma once

#include "common/stats/crash_record.h"

namespace holdfast::worker {

/// From now on faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL), aborts, system calls that
/// the sandbox blocks (SIGSYS), and exceptions that nobody catches are written
/// into `record`, which outlives the process's run. Once for each process, on the thread of its event loop,
/// whose stack may even have overflown. A sanitizer keeps the faults, which it reports better.
void install_crash_reports(stats::CrashRecord& record);

/// Objects that were loaded since are named in backtraces from now on.
void know_loaded_objects();

}  // namespace holdfast::worker
