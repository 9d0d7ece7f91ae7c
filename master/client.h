// The commands that have a running server do something: reload, stop, upgrade, unfuse. They wait for the
// outcome and print it.
#pragma once

#include "master/options.h"

namespace holdfast::master {

/// Finds the server by the pid file that the configuration names; the exit code of the command.
int run_client(const Options& options);

}  // namespace holdfast::master
