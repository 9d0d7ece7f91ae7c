// The kernel's landlock: what it offers here, and how a thread locks itself in with it.
#pragma once

#include <span>

#include "common/result.h"
#include "worker/sandbox/landlock_rules.h"

namespace holdfast::sandbox {

/// The version of the interface; fails where there is none, with the reason.
Result<int> landlock_version();

/// From now on this thread, and those that it starts, open only what the rules name; threads that run already
/// are not concerned. Other processes get no signals from them, where the kernel knows how (version 6). What a
/// rule names and is not there is left out. The process has given up new privileges before.
Result<void> enter_landlock(std::span<const PathRule> rules);

}  // namespace holdfast::sandbox
