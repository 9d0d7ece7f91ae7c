// Builds with sanitizers look for what a worker has leaked, just before it leaves: it leaves by _exit, and the
// look at the usual end of a process never comes. Other builds do nothing.
#pragma once

namespace holdfast::worker {

/// Everything that the worker has made is destroyed. Does not return when something of it was leaked: it is
/// reported on standard error, and the process ends with the sanitizer's exit code.
void check_for_leaks();

}  // namespace holdfast::worker
