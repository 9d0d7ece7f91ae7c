// Modules that the tests load: those of tests/process/modules and the examples, as they were built.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace holdfast::support {

/// Of the build that is tested (see tests/support/tested_build.h): HOLDFAST_TESTED_MODULES, or those of this
/// build. Empty: there is none of that name.
inline std::string module_bytes(const std::string& name) {
  const char* const named = std::getenv("HOLDFAST_TESTED_MODULES");
  std::ifstream file(std::string(named != nullptr ? named : HOLDFAST_MODULES) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace holdfast::support
