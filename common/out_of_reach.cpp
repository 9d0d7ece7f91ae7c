#include "common/out_of_reach.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/fd.h"

namespace holdfast {

// Landlock refuses to open, and has no say when the rights are only asked for.
bool is_out_of_reach(int folder, const char* path) {
  const Fd opened(::openat(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return !opened && errno == EACCES && ::faccessat(folder, path, R_OK, AT_EACCESS) == 0;
}

}  // namespace holdfast
