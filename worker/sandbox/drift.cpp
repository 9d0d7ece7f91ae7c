#include "worker/sandbox/drift.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "common/out_of_reach.h"

namespace holdfast::sandbox {

Drift::Drift(std::vector<std::string> paths) {
  for (std::string& path : paths) places_.push_back({std::move(path)});
}

std::optional<std::string> Drift::look() {
  for (Place& place : places_) {
    struct stat status {};
    if (::stat(place.path.c_str(), &status) != 0) continue;
    if (place.device == status.st_dev && place.inode == status.st_ino) continue;
    place.device = status.st_dev;
    place.inode = status.st_ino;
    if ((S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) && is_out_of_reach(AT_FDCWD, place.path.c_str()))
      return place.path;
  }
  return std::nullopt;
}

}  // namespace holdfast::sandbox
