// What the sandbox lets through is bound to the files and folders that stood there when it was entered. This
// looks whether others have taken their place, which the process cannot open: new workers are needed then.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace holdfast::sandbox {

class Drift {
 public:
  explicit Drift(std::vector<std::string> paths);

  /// A path at which stands what is out of reach; each new thing there is told once.
  std::optional<std::string> look();

 private:
  struct Place {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::vector<Place> places_;
};

}  // namespace holdfast::sandbox
