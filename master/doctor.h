// `holdfast doctor`: looks at this machine with the eyes of a configuration, and says what may stand in its
// way. It changes nothing, needs no rights, and says what it could not look at without them.
#pragma once

#include "master/options.h"

namespace holdfast::master {

/// Prints a line a finding; 0: no problems, 78: some of the configuration or its files, 71: some of the machine
/// only.
int run_doctor(const Options& options);

}  // namespace holdfast::master
