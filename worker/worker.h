// The one header of worker/ that the master sees: the life of a worker process from fork to exit, and the
// read-only views of the statistics that the command line prints.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "common/broadcast/segment.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/limits/shared_limits.h"
#include "common/result.h"
#include "common/stats/stats_segment.h"
#include "common/tickets/ticket_keys.h"
#include "config/config.h"
#include "worker/admin/status_text.h"

namespace holdfast::worker {

enum class Role : std::uint8_t { Traffic, Admin };

/// A listening socket of this worker's slot. The descriptor is inherited; the master keeps its own copy.
struct ListeningSocket {
  int fd = -1;
  std::uint32_t listener = 0;  // index into Config::listeners; for Role::Admin unused
  // For the master alone, which tries a worker: neither TLS nor a PROXY prefix, but the sites of that listener.
  bool is_trial = false;
};

/// Everything a worker process is given at birth. References outlive the process's run().
struct Job {
  const config::Config& config;
  stats::Segment& segment;
  limits::SharedLimits& limits;  // of limits that all workers share
  const tickets::TicketKeys& tickets;
  const broadcast::Segment& broadcast;  // messages between workers
  Role role = Role::Traffic;
  std::uint32_t slot = 0;
  std::uint32_t seat = 0;  // its seat in the segment, claimed by the master
  std::uint64_t generation = 0;
  Fd control;  // this process's end of the control channel
  std::vector<ListeningSocket> sockets;
  Fd access_log;                               // empty: access log off
  std::atomic<std::uint64_t>* load = nullptr;  // where it says how many connections it has; null: nobody asks
};

/// Runs the worker until it is drained, told to quit, or failed to start; returns the exit code for _exit. The
/// caller has restored the signal mask, closed descriptors that are not the worker's, and dropped privileges.
/// Reports Ready or Failed over job.control.
int run(Job job);

/// The versioned JSON of /status and the text of `holdfast status`, from the shared segment alone.
std::string status_json(const stats::Segment& segment);
using admin::sample_status;
using admin::status_text;
using admin::StatusSample;
using admin::StatusText;

/// "prometheus-cpp 1.0.1, ..." for --version.
std::string library_versions();

/// Would a worker be able to start with this configuration? Enters the sandbox, builds routes and handlers,
/// opens document roots and modules, and throws the result away. For `holdfast check`, in a process of its own;
/// seat 1 of the segment tells what it was doing and what happened, should it die of it. Of several problems
/// each has a line of the error's message.
Result<void> try_configuration(const config::Config& config, stats::Segment& segment);

/// What this system lacks of the workers' sandbox, in words; empty: nothing.
std::string missing_of_sandbox();
/// Fails when the configuration wants a sandbox that cannot be had here, with the setting's place.
Result<void> sandbox_can_be_had(const config::Config& config);

/// What a certificate says of itself.
struct CertificateFacts {
  const config::Certificate* of = nullptr;  // of the configuration that was examined
  WallTime until;
  bool good = true;    // false: clients would refuse it whatever they trust
  std::string remark;  // why, or that it expires soon; else empty
};
inline constexpr std::chrono::days kExpiresSoon{14};
/// Reads the certificates of all listeners, in the order of the configuration; fails where a worker would not
/// start with them. They are other people's bytes: not for the master's own process.
Result<std::vector<CertificateFacts>> examine_certificates(const config::Config& config, WallTime now);

struct FetchedStaple {
  std::string response;  // DER, judged as clients do
  WallTime until;
};
/// Asks the authority of a certificate for an OCSP response; waits for up to ten seconds. As above, not for the
/// master's own process.
Result<FetchedStaple> fetch_staple(const config::Certificate& certificate);

}  // namespace holdfast::worker
