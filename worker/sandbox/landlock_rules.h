// Which files a worker may open, and for what: those that its configuration speaks of, and those that the
// libraries it stands on look at.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"

namespace holdfast::sandbox {

enum class Access : std::uint8_t {
  Read,    // files and folders
  Update,  // and write to files that are there: devices
  Change,  // and make, rename and remove what is beneath
};

struct PathRule {
  std::string path;  // a file, or a folder with all that is beneath it; nothing need be there
  Access access = Access::Read;
  bool operator==(const PathRule&) const = default;
};

enum class Process : std::uint8_t { Traffic, Admin };

/// A variable of the environment; empty: not set.
using Variable = std::function<std::string(const char* name)>;

std::vector<PathRule> landlock_rules(const config::Config& config, Process process, const Variable& variable);

/// Those paths at which workers of this configuration still have to find something when it has been replaced.
std::vector<std::string> lasting_places(const config::Config& config);

}  // namespace holdfast::sandbox
