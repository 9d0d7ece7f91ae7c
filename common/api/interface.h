// The number of the binary interface between the server and handlers in loadable modules. Raised whenever a
// type in common/api changes its layout or a virtual function is added, moved or removed.
#pragma once

namespace holdfast::api {

inline constexpr int kInterface = 3;

}  // namespace holdfast::api
