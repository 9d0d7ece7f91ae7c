// One worker process as the master holds it, and its birth: fork, control channel, descriptor hygiene,
// privilege drop, then worker::run. Dropping the object closes the channel, which tells the process to leave;
// it does not reap it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/control_message.h"
#include "common/fd.h"
#include "common/result.h"
#include "common/stats/stats_segment.h"
#include "config/config.h"
#include "master/exit_status.h"
#include "master/log_files.h"
#include "master/privileges.h"
#include "master/worker_log.h"
#include "master/worker_slot.h"
#include "worker/worker.h"

namespace holdfast::master {

/// What a process is born with. All references and descriptors are borrowed.
struct WorkerOrder {
  ProcessId id = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint32_t seat = 0;
  const config::Config& config;
  stats::Segment& segment;
  limits::SharedLimits& limits;
  const tickets::TicketKeys& tickets;
  const broadcast::Segment& broadcast;
  const LogFiles& logs;
  const std::optional<Identity>& identity;
  std::vector<worker::ListeningSocket> sockets;
  std::atomic<std::uint64_t>* load = nullptr;  // see worker::Job
};

struct WorkerProcess {
  ProcessId id = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint32_t seat = 0;
  pid_t pid = -1;
  Fd pidfd;
  Fd control;
  WorkerLog log;
};

/// What a worker that could not start says of the reason (ControlKind::Failed).
ErrorKind kind_of_failure(const ControlMessage& message);
/// "0", "7", "admin": a slot as logs name it.
std::string slot_name(std::uint32_t slot);

/// Forks; returns in the master only.
Result<WorkerProcess> start_worker(WorkerOrder order);
/// Takes the exit status of a process that has ended; empty while it lives.
std::optional<ExitStatus> reap(const WorkerProcess& process);
/// A child that has ended and is still to be reaped, ours or a stranger's; 0: none.
pid_t ended_child();
/// Reaps a child that is none of our workers: as pid 1 we inherit strangers.
void reap_stranger(pid_t pid);

}  // namespace holdfast::master
