// The commands that talk to a running server through its control socket: reload, stop, upgrade, status. They
// wait for the outcome and print it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "master/options.h"

namespace holdfast::master {

/// Finds the server by the pid file that the configuration names; the exit code of the command.
int run_client(const Options& options);

/// The pid file named in the text of a configuration that may be too broken to load: empty when it is off,
/// nothing when none is named.
std::optional<std::string> pid_file_in_text(std::string_view text);

}  // namespace holdfast::master
