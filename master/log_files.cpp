#include "master/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/log.h"
#include "common/syslog.h"

namespace holdfast::master {
namespace {

/// The standard stream that a target names; 0: it is none.
int stream_of(const std::string& to) {
  if (to == "stdout" || to == "/dev/stdout") return 1;
  if (to == "stderr" || to == "/dev/stderr") return 2;
  return 0;
}

/// Whether only root can put a link into the folder of `path`.
bool in_folder_of_root(const std::string& path) {
  struct stat status {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return ::stat(folder.c_str(), &status) == 0 && status.st_uid == 0 &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// Log folders often belong to the workers' account: a link that a taken-over worker puts there must not lead
/// root to any other file. Without O_NONBLOCK a pipe that nobody reads would hold up the master.
Result<Fd> open_log(const std::string& path) {
  const int follow = ::geteuid() != 0 || in_folder_of_root(path) ? 0 : O_NOFOLLOW;
  Fd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | follow, 0640));
  if (!file && errno == ELOOP && follow != 0)
    return Error{ErrorKind::Permission, ELOOP,
                 "the log file " + path +
                     " is a symbolic link in a folder that others than root can write: name the "
                     "file that it leads to"};
  if (!file) return system_error(errno, "cannot open the log file " + path);
  return file;
}

bool has_moved(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  if (::fstat(fd, &open) != 0 || !S_ISREG(open.st_mode)) return false;
  return ::stat(path.c_str(), &named) != 0 || open.st_dev != named.st_dev || open.st_ino != named.st_ino;
}

/// Empty for the standard streams.
Result<Fd> open_target(const std::string& to) {
  if (stream_of(to) != 0) return Fd();
  const std::optional<std::string> syslog = syslog_socket_of(to);
  return syslog ? open_syslog(*syslog) : open_log(to);
}

}  // namespace

Result<LogFiles> LogFiles::open(const config::Log& settings) {
  LogFiles files(settings);
  if (Result<void> opened = files.reopen(); !opened) return opened.error();
  return files;
}

Result<void> LogFiles::reopen() {
  Result<Fd> error = open_target(settings_.error.to);
  if (!error) return error.error();
  Result<Fd> access = settings_.access.enabled ? open_target(settings_.access.to) : Fd();
  if (!access) return access.error();
  error_ = std::move(*error);
  access_ = std::move(*access);
  return {};
}

int LogFiles::error_fd() const {
  return error_ ? error_.get() : stream_of(settings_.error.to);
}

int LogFiles::access_fd() const {
  if (!settings_.access.enabled) return -1;
  if (access_) return access_.get();
  return stream_of(settings_.access.to);
}

bool LogFiles::moved() const {
  return (error_ && has_moved(error_.get(), settings_.error.to)) ||
         (access_ && has_moved(access_.get(), settings_.access.to));
}

void LogFiles::use() const {
  log().configure(error_fd(), settings_.error.level, settings_.error.format, settings_.error.to);
}

}  // namespace holdfast::master
