// The log files of one configuration, opened by the master, which may write where workers may not. Workers
// inherit the descriptors; after a rotation reopen() makes new ones. Owner of what it opened; standard streams
// are borrowed.
#pragma once

#include "common/fd.h"
#include "common/result.h"
#include "config/config.h"

namespace holdfast::master {

class LogFiles {
 public:
  /// Files are created with mode 0640 when they are missing. The error names the file.
  static Result<LogFiles> open(const config::Log& settings);
  /// Opens the files anew by their names. On failure everything stays as it was.
  Result<void> reopen();

  int error_fd() const;
  /// -1: the access log is off.
  int access_fd() const;
  /// As above, but -1 for the standard streams, which no rotation moves.
  int error_file() const { return error_.get(); }
  int access_file() const { return access_.get(); }
  /// Whether one of them has lost its name, or another file has it now.
  bool moved() const;
  /// Makes this process write its error log here; this object must outlive that.
  void use() const;

 private:
  explicit LogFiles(const config::Log& settings) : settings_(settings) {}

  config::Log settings_;
  Fd error_;
  Fd access_;
};

}  // namespace holdfast::master
