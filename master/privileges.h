// Who a worker is and what it may do: user, groups, capabilities, descriptor limit.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "common/result.h"
#include "config/config.h"

namespace holdfast::master {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

/// The configured identity; none when no user is configured or the master is not root and so cannot change it.
/// Reads the user database: only in the master, never between fork and run.
Result<std::optional<Identity>> resolve_identity(const config::Process& process);
/// Gives up the master's identity for good.
Result<void> become(const Identity& identity);
/// Drops capabilities the process has beyond its user's, and forbids gaining any by exec. Kernels or containers
/// that refuse a part of it are no error.
void forbid_privileges();
/// In a child: everything above the standard streams that is not listed is the master's and must not stay open.
void close_descriptors_but(std::vector<int> kept);
/// In a child: where memory runs out, the kernel is to end one that can be replaced rather than the master.
/// Does nothing where the kernel does not let us say so.
void offer_to_oom_killer();
/// Soft limit of open descriptors to the hard one.
void raise_descriptor_limit();

}  // namespace holdfast::master
