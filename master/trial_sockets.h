// Listening sockets by which the master alone reaches a worker on trial: unix sockets in a folder that nobody
// else may enter.
#pragma once

#include <string>
#include <vector>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast::master {

class TrialSockets {
 public:
  /// So many sockets. The error says where the folder could not be made: it is in TMPDIR, or /tmp.
  static Result<TrialSockets> open(std::size_t count);
  TrialSockets(TrialSockets&& other) noexcept;
  TrialSockets& operator=(TrialSockets&&) = delete;
  /// Removes files and folder.
  ~TrialSockets();

  int socket(std::size_t index) const { return sockets_[index].get(); }
  std::string path(std::size_t index) const { return folder_ + "/" + std::to_string(index); }

 private:
  explicit TrialSockets(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
  std::vector<Fd> sockets_;
};

}  // namespace holdfast::master
