#include "common/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.h"

namespace holdfast {

namespace {

Error not_made(int code, std::string_view purpose) {
  return system_error(
      code, "cannot make the shared memory for " + std::string(purpose) + std::string(limit_behind(code)));
}

}  // namespace

Result<Fd> make_shared_memory(const char* name, std::size_t size, std::string_view purpose) {
  Fd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return not_made(errno, purpose);
  // Nobody who holds the descriptor can cut the file short under the others' feet.
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

Result<Fd> make_memory_file(std::string_view text) {
  Fd file(::memfd_create("holdfast-text", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return not_made(errno, "a text");
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(errno, "fill a memory file");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  // Whoever reads it may rely on its size.
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return system_error(errno, "seal a memory file");
  return file;
}

Result<std::string> read_memory_file(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return system_error(errno, "read a memory file");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t got = ::pread(file, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return system_error(got < 0 ? errno : EIO, "read a memory file");
    at += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace holdfast
