// `holdfast config --diff`: what a configuration would change of the running server, or of another file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/difference.h"
#include "master/options.h"

namespace holdfast::master {

/// Prints it; as diff, 0: nothing differs, 1: something does; else an exit code of the list.
int run_diff(const Options& options);

/// As it is printed: a line a setting, and what it takes for them to take effect.
std::string difference_text(const std::vector<config::Difference>& differences, bool with_colours);

}  // namespace holdfast::master
