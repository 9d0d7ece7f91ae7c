// The number of the binary interface between the server and handlers in loadable modules. Raised whenever a
// type in common/api changes its layout or a virtual function is added, moved or removed. The second mark says
// what the C++ library and the compiler must agree on for both sides to see the same types.
#pragma once

#include <version>

namespace holdfast::api {

inline constexpr int kInterface = 6;

#if defined(_LIBCPP_VERSION)
inline constexpr char kAbi[] = "libc++";
#elif defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
inline constexpr char kAbi[] = "libstdc++ (cxx11 strings)";
#else
inline constexpr char kAbi[] = "libstdc++ (old strings)";
#endif

}  // namespace holdfast::api
