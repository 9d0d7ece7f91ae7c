// Everything that the processes of one generation have in common, made ready before any of them is started: the
// checked configuration, opened logs, the workers' identity, bound listeners. Either all of it can be had, or
// nothing changes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/stats/stats_segment.h"
#include "config/config.h"
#include "config/loader.h"
#include "master/listener_set.h"
#include "master/log_files.h"
#include "master/privileges.h"
#include "master/reload_plan.h"
#include "worker/worker.h"

namespace holdfast::master {

/// Reads the configuration anew: from the file, or for `serve` from the command line.
using ReadConfig = std::function<config::Loaded()>;

struct Generation {
  std::shared_ptr<const config::Config> config;
  LogFiles logs;
  std::optional<Identity> identity;
  std::vector<EndpointNeed> needs;
  config::Sources sources{};  // what `config` was loaded from
};

/// Why a generation cannot be had, one text a problem, and what kind they are of: Permission, when nothing else
/// is wrong.
struct Unpreparable {
  ErrorKind kind = ErrorKind::Configuration;
  int system_code = 0;
  std::vector<std::string> problems;
};
using Prepared = std::variant<std::unique_ptr<Generation>, Unpreparable>;

/// Checks the environment, opens logs, binds what is missing in `listeners` (to be committed or rolled back by
/// the caller when a generation is answered), and makes the names known to the statistics. `serving` is null at
/// the start.
Prepared prepare_generation(std::shared_ptr<const config::Config> config, const config::Config* serving,
                            ListenerSet& listeners, stats::Segment& segment);

/// A generation whose listeners are there already, and whose processes serve: a predecessor's.
Result<std::unique_ptr<Generation>> adopt_generation(std::shared_ptr<const config::Config> config,
                                                     stats::Segment& segment);
/// Says how many workers `auto` has come to, and why; nothing where their number is given.
void log_worker_count(const config::Config& config);

/// The same configuration with another number of workers.
std::shared_ptr<const config::Config> with_workers(const config::Config& config, std::uint32_t workers);

/// The listening sockets of one process of this generation; borrowed from `listeners`.
std::vector<worker::ListeningSocket> sockets_for(const Generation& generation, std::uint32_t slot,
                                                 const ListenerSet& listeners);

}  // namespace holdfast::master
