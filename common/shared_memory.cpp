#include "common/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace holdfast {

Result<SharedMemory> SharedMemory::create(const char* name, std::size_t size, std::string_view what) {
  Fd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
    return system_error(errno, "create " + std::string(what));
  // Nobody who holds the descriptor can cut the file short under the others' feet.
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return map(std::move(file), size, what);
}

Result<SharedMemory> SharedMemory::attach(Fd file, std::size_t size, std::string_view what) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error(errno, "look at " + std::string(what));
  if (status.st_size != static_cast<off_t>(size)) return of_another_version(what);
  return map(std::move(file), size, what);
}

Result<SharedMemory> SharedMemory::map(Fd file, std::size_t size, std::string_view what) {
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  if (at == MAP_FAILED) return system_error(errno, "map " + std::string(what));
  return SharedMemory(std::move(file), at, size);
}

SharedMemory::~SharedMemory() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

void SharedMemory::keep_out_of_core_files() const {
  (void)::madvise(at_, size_, MADV_DONTDUMP);
}

Error of_another_version(std::string_view what) {
  return {ErrorKind::Unavailable, 0, std::string(what) + " is of another version of holdfast"};
}

}  // namespace holdfast
