// What differs between the running configuration and the one a reload would bring.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace holdfast::config {

/// Settings that differ and that only a restart can change, by their rows: "process.pid_file". Empty: a reload
/// will do.
std::vector<std::string> changes_needing_restart(const Config& running, const Config& wanted);

}  // namespace holdfast::config
