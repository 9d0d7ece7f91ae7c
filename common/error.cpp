#include "common/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace holdfast {

std::string Error::message() const {
  if (system_code == 0) return context;
  return context + ": " + std::generic_category().message(system_code);
}

Error system_error(int code, std::string context) {
  const bool denied = code == EACCES || code == EPERM;
  return Error{denied ? ErrorKind::Permission : ErrorKind::System, code, std::move(context)};
}

}  // namespace holdfast
