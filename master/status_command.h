// `holdfast status`: shows what a running server does, once or once a second.
#pragma once

#include "master/options.h"

namespace holdfast::master {

/// The exit code of the command. With --watch it goes on until Ctrl-C, or the end of the server.
int run_status(const Options& options);

}  // namespace holdfast::master
