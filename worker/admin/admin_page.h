// The page at / of the admin listener: one HTML document without outside resources, which asks /status every
// two seconds.
#pragma once

#include <string_view>

namespace holdfast::admin {

extern const std::string_view kAdminPage;
/// What the page may do: its own script and style, requests to this listener, nothing else.
extern const std::string_view kAdminPagePolicy;

}  // namespace holdfast::admin
