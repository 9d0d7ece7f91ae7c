// The pid file: says which process is the master, from the moment its workers are ready. Locked while the
// server runs, so that a second one with the same file is told apart from a stale file. Removed by the owner's
// end if it is still ours.
#pragma once

#include <string>
#include <utility>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast::master {

class PidFile {
 public:
  /// Fails with ErrorKind::Unavailable when a running server holds the file. Writes nothing yet.
  static Result<PidFile> claim(const std::string& path);
  /// A predecessor's, which is left to this process: the same pid, still locked. An empty descriptor: it was
  /// not published yet.
  static PidFile adopt(const std::string& path, Fd file);
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

  /// Writes our pid beside the file and renames it into place, locked. Fails with ErrorKind::Unavailable when
  /// another server has done so since claim().
  Result<void> publish();
  /// Whether claim() found the file of a server that ended without removing it.
  bool found_stale() const { return static_cast<bool>(stale_); }
  /// For a successor; borrowed.
  int fd() const { return file_.get(); }

 private:
  PidFile(std::string path, Fd stale) : path_(std::move(path)), stale_(std::move(stale)) {}
  std::string path_;
  Fd stale_;  // locked until ours is in its place
  Fd file_;
};

}  // namespace holdfast::master
