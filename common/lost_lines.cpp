#include "common/lost_lines.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace holdfast {
namespace {

constexpr std::chrono::seconds kInterval{10};

}  // namespace

bool LostLines::lost(std::uint64_t lines, TimePoint now) {
  untold_ += lines;
  if (began_ || (last_told_ != TimePoint::min() && now - last_told_ < kInterval)) return false;
  began_ = true;
  last_told_ = now;
  return true;
}

std::uint64_t LostLines::written(TimePoint now) {
  // One that comes and goes all the time is told of once an interval.
  if (untold_ == 0 || (!began_ && now - last_told_ < kInterval)) return 0;
  began_ = false;
  return std::exchange(untold_, 0);
}

bool take_back(int fd, std::size_t bytes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  // After an append the position is the end of what was written.
  const off_t end = ::lseek(fd, 0, SEEK_CUR);
  if (end != status.st_size || end < static_cast<off_t>(bytes)) return false;
  const auto back = static_cast<off_t>(bytes);
  // Where nothing is appended, the next line is to follow the last whole one.
  return ::ftruncate(fd, end - back) == 0 && ::lseek(fd, -back, SEEK_CUR) >= 0;
}

}  // namespace holdfast
