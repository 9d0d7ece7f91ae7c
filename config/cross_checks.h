// Rules over several settings, asked once all rows have been read.
#pragma once

#include <vector>

#include "config/loader.h"

namespace holdfast::config {

/// Appends what contradicts: two listeners on one address, two sites of one name or host, two routes alike, ...
void cross_check(const Config& config, std::vector<Problem>& problems);

}  // namespace holdfast::config
