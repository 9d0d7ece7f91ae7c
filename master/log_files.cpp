#include "master/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/log.h"

namespace holdfast::master {
namespace {

bool is_file(const std::string& to) {
  return !to.empty() && to.front() == '/';
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

}  // namespace

Result<LogFiles> LogFiles::open(const config::Log& settings) {
  LogFiles files(settings);
  if (Result<void> opened = files.reopen(); !opened) return opened.error();
  return files;
}

Result<void> LogFiles::reopen() {
  Fd error;
  Fd access;
  if (is_file(settings_.error.to)) {
    Result<Fd> file = open_log(settings_.error.to);
    if (!file) return file.error();
    error = std::move(*file);
  }
  if (settings_.access.enabled && is_file(settings_.access.to)) {
    Result<Fd> file = open_log(settings_.access.to);
    if (!file) return file.error();
    access = std::move(*file);
  }
  error_ = std::move(error);
  access_ = std::move(access);
  return {};
}

int LogFiles::access_fd() const {
  if (!settings_.access.enabled) return -1;
  if (access_) return access_.get();
  return settings_.access.to == "stdout" ? 1 : 2;
}

void LogFiles::use() const {
  log().configure(error_fd(), settings_.error.level, settings_.error.format);
}

}  // namespace holdfast::master
