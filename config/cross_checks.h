// Rules over several settings, asked once all rows have been read.
#pragma once

#include <vector>

#include "config/loader.h"

namespace holdfast::config {

/// Appends what contradicts: two listeners on one address, two sites of one name or host, two routes alike, ...
void cross_check(const Config& config, std::vector<Problem>& problems);
/// Appends what may be meant, but hardly is: a guard of a folder that leaves open what is in the folder.
void warn_across(const Config& config, std::vector<Problem>& warnings);

}  // namespace holdfast::config
