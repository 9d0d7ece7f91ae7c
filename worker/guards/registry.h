// Configuration of a route -> its guards. The one place that knows all of them; a new one is a file pair and a
// line in registry.cpp.
#pragma once

#include "common/result.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

/// The guards of every route, in the order in which they are asked. Fails with a message that names the route
/// and what could not be made.
Result<http::GuardTable> make_guards(const config::Config& config);

}  // namespace holdfast::guards
