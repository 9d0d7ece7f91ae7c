#include "common/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace holdfast {

std::string Error::message() const {
  if (system_code == 0) return context;
  return context + ": " + std::generic_category().message(system_code);
}

std::string_view limit_behind(int code) {
  switch (code) {
    case EMFILE:
      return ", at the limit of descriptors (LimitNOFILE= of the unit, or ulimit -n)";
    case ENFILE:
      return ", at the limit of open files of the whole machine (sysctl fs.file-max)";
    case ENOMEM:
    case ENOSPC:
      return ", at a limit of memory (MemoryMax= of the unit, that of the container, or of the machine)";
    case EFBIG:
      return ", at the limit of file sizes (LimitFSIZE= of the unit, or ulimit -f)";
    default:
      return "";
  }
}

Error system_error(int code, std::string context) {
  const bool denied = code == EACCES || code == EPERM;
  return Error{denied ? ErrorKind::Permission : ErrorKind::System, code, std::move(context)};
}

}  // namespace holdfast
