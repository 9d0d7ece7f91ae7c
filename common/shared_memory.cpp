#include "common/shared_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "common/memory_file.h"

namespace holdfast {

Result<SharedMemory> SharedMemory::create(const char* name, std::size_t size, std::string_view purpose) {
  Result<Fd> file = make_shared_memory(name, size, purpose);
  if (!file) return file.error();
  return map(std::move(*file), size, purpose);
}

Result<SharedMemory> SharedMemory::attach(Fd file, std::size_t size, std::string_view purpose) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return system_error(errno, "look at the shared memory for " + std::string(purpose));
  if (status.st_size != static_cast<off_t>(size)) return of_another_version(purpose);
  return map(std::move(file), size, purpose);
}

Result<SharedMemory> SharedMemory::map(Fd file, std::size_t size, std::string_view purpose) {
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  if (at == MAP_FAILED) return system_error(errno, "map the shared memory for " + std::string(purpose));
  return SharedMemory(std::move(file), at, size);
}

SharedMemory::~SharedMemory() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

void SharedMemory::keep_out_of_core_files() const {
  (void)::madvise(at_, size_, MADV_DONTDUMP);
}

Error of_another_version(std::string_view purpose) {
  return {ErrorKind::Unavailable, 0,
          "the shared memory for " + std::string(purpose) + " is of another version of holdfast"};
}

}  // namespace holdfast
