// Which build of the server is tested: the one that these tests were built with, or that which the environment
// names, so that the tests are compiled once for all builds (see tests/support/CMakeLists.txt).
#pragma once

#include <cstdlib>
#include <string_view>

namespace holdfast::support {

/// A sanitized server is several times slower, keeps what is freed for a while, and reports faults itself.
/// HOLDFAST_TESTED_SANITIZED=1, or this build is such a one.
inline bool tested_is_sanitized() {
  if (const char* const told = std::getenv("HOLDFAST_TESTED_SANITIZED")) return std::string_view(told) == "1";
#ifdef HOLDFAST_SANITIZED
  return true;
#else
  return false;
#endif
}

}  // namespace holdfast::support
