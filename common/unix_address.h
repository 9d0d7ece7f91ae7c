// The address of a unix socket that has a name in the file system.
#pragma once

#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "common/error.h"
#include "common/result.h"

namespace holdfast {

/// Fails for a path that is too long for an address: 107 bytes at most (unix(7)).
inline Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return system_error(ENAMETOOLONG, path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace holdfast
