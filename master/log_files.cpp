#include "master/log_files.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "common/log.h"

namespace holdfast::master {
namespace {

bool is_file(const std::string& to) {
  return !to.empty() && to.front() == '/';
}

Result<Fd> open_log(const std::string& path) {
  Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640));
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
