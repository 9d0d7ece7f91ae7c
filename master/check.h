// `holdfast check`: everything that can be known to be wrong with a configuration before a server is asked to
// use it.
#pragma once

#include "master/options.h"

namespace holdfast::master {

/// Prints every problem to stderr as FILE:LINE:COL: message; the exit code of the command.
int run_check(const Options& options);

}  // namespace holdfast::master
