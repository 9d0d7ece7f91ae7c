#include "common/keyed_hash.h"

#include <sys/random.h>

#include <cerrno>

namespace holdfast {

Result<HashSecret> HashSecret::random() {
  HashSecret secret;
  // As much as this comes whole (getrandom(2)).
  if (::getrandom(&secret, sizeof secret, 0) != static_cast<ssize_t>(sizeof secret))
    return system_error(errno, "get random bytes");
  return secret;
}

}  // namespace holdfast
