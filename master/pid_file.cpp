#include "master/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace holdfast::master {
namespace {

std::string first_line_of(int fd) {
  char text[32];
  const ssize_t count = pread(fd, text, sizeof text, 0);
  const std::string line(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  return line.substr(0, line.find('\n'));
}

bool is_same_file(int fd, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  return fstat(fd, &ours) == 0 && lstat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

/// The file that is there, locked; empty when there is none.
Result<Fd> lock_existing(const std::string& path) {
  Fd file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT) return Fd();
    return system_error(errno, "cannot open the pid file " + path);
  }
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  const std::string pid = first_line_of(file.get());
  return Error{ErrorKind::Unavailable, 0,
               "another server runs with the pid file " + path + (pid.empty() ? "" : " (pid " + pid + ")")};
}

}  // namespace

Result<PidFile> PidFile::claim(const std::string& path) {
  Result<Fd> file = lock_existing(path);
  if (!file) return file.error();
  return PidFile(path, std::move(*file));
}

PidFile PidFile::adopt(const std::string& path, Fd file) {
  PidFile adopted(path, Fd());
  adopted.file_ = std::move(file);
  return adopted;
}

PidFile::~PidFile() {
  if (file_ && is_same_file(file_.get(), path_) && first_line_of(file_.get()) == std::to_string(getpid()))
    unlink(path_.c_str());
}

Result<void> PidFile::publish() {
  // Of two that started at once, the later one finds the file of the other.
  if (!stale_ || !is_same_file(stale_.get(), path_)) {
    Result<Fd> meanwhile = lock_existing(path_);
    if (!meanwhile && meanwhile.error().kind == ErrorKind::Unavailable) return meanwhile.error();
  }
  const std::string text = std::to_string(getpid()) + "\n";
  const std::string beside = path_ + "." + std::to_string(getpid());
  unlink(beside.c_str());
  Fd file(open(beside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return system_error(errno, "cannot write the pid file " + beside);
  const bool written = flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
                       write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || rename(beside.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    unlink(beside.c_str());
    return system_error(code, "cannot write the pid file " + path_);
  }
  file_ = std::move(file);
  stale_.reset();
  return {};
}

}  // namespace holdfast::master
