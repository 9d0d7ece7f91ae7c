// A port for a program that cannot tell which one the kernel has chosen for it.
#pragma once

#include <cstdint>

namespace holdfast::support {

/// A TCP port of 127.0.0.1 that nobody has now, for a program that takes it at once; 0: there is none.
std::uint16_t free_port();

}  // namespace holdfast::support
