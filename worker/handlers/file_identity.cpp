#include "worker/handlers/file_identity.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <string_view>

#include "common/text_hash.h"

namespace holdfast::handlers {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * kSecond + time.tv_nsec;
}

bool read_whole(int fd, char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

FileIdentity FileIdentity::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

std::string entity_tag(const FileIdentity& identity, std::string_view mark) {
  const std::int64_t parts[] = {static_cast<std::int64_t>(identity.inode), identity.modified_ns,
                                identity.changed_ns};
  const std::uint64_t hash = text_hash({reinterpret_cast<const char*>(parts), sizeof parts}, identity.size);
  std::array<char, 40> text;
  char* at = text.data();
  *at++ = '"';
  at = std::to_chars(at, text.data() + text.size(), identity.size, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(), hash, 16).ptr;
  return std::string(text.data(), at).append(mark).append("\"");
}

bool read_as(int fd, const FileIdentity& identity, char* to) {
  struct stat after {};
  return read_whole(fd, to, static_cast<std::size_t>(identity.size)) && ::fstat(fd, &after) == 0 &&
         FileIdentity::of(after) == identity;
}

bool may_change_unseen(const FileIdentity& identity, Duration settled) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return nanoseconds(now) < identity.changed_ns + std::chrono::nanoseconds(settled).count();
}

}  // namespace holdfast::handlers
