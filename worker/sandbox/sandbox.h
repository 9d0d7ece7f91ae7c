// What a worker gives up before it opens the first module: other system calls than it needs (seccomp), other
// files than its configuration names (landlock), and the hope of more. There is no way back.
#pragma once

#include <string>

#include "common/result.h"
#include "config/config.h"
#include "worker/sandbox/landlock_rules.h"

namespace holdfast::sandbox {

/// What this system, or this build, lacks of it, in words for a message. Empty: nothing.
std::string missing_parts();

/// Fails when the configuration wants all of the sandbox (strict) and a part is missing, with the setting's
/// place.
Result<void> can_be_had(const config::Config& config);

/// Which parts were entered.
struct Entered {
  bool files = false;
  bool calls = false;
};

/// Locks this process in, as process.sandbox has it. On the only thread of the process: those that it starts
/// are locked in with it. Fails when a part is missing and the sandbox is strict; else that part is left out.
Result<Entered> enter(const config::Config& config, Process process);

}  // namespace holdfast::sandbox
