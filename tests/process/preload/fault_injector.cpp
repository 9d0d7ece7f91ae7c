// Preloaded into the server by tests of faults: calls of the C library that fail, and a wall clock that is
// wrong, as long as the table that the test shares with it says so.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <ctime>

#include "tests/support/fault_table.h"

namespace {

using holdfast::support::FaultTable;
using holdfast::support::FaultyCall;

FaultTable* map_table() {
  const char* const path = std::getenv("HOLDFAST_FAULTS");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const memory = mmap(nullptr, sizeof(FaultTable), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<FaultTable*>(memory);
}

// At the load: later the process may be another user's, or have no descriptor left.
FaultTable* const faults = map_table();

/// True: the call is to fail, and errno says how.
bool fails(FaultyCall call) {
  if (faults == nullptr) return false;
  FaultTable::Call& order = faults->calls[static_cast<std::size_t>(call)];
  ++order.calls;
  const int code = order.code;
  if (code == 0) return false;
  if (order.spared.fetch_sub(1) > 0) return false;
  ++order.failures;
  errno = code;
  return true;
}

template <class Function>
Function* real(Function* /*ours*/, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

pid_t fork() noexcept {
  static auto* const next = real(&fork, "fork");
  return fails(FaultyCall::Fork) ? -1 : next();
}

int memfd_create(const char* name, unsigned flags) noexcept {
  static auto* const next = real(&memfd_create, "memfd_create");
  return fails(FaultyCall::MemoryFile) ? -1 : next(name, flags);
}

int ftruncate(int fd, off_t size) noexcept {
  static auto* const next = real(&ftruncate, "ftruncate");
  return fails(FaultyCall::Truncate) ? -1 : next(fd, size);
}

int socketpair(int domain, int type, int protocol, int* ends) noexcept {
  static auto* const next = real(&socketpair, "socketpair");
  return fails(FaultyCall::SocketPair) ? -1 : next(domain, type, protocol, ends);
}

long syscall(long number, ...) noexcept {
  static auto* const next = real(&syscall, "syscall");
  if (number == SYS_pidfd_open && fails(FaultyCall::PidDescriptor)) return -1;
  va_list list;
  va_start(list, number);
  long words[6];
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const next = real(&clock_gettime, "clock_gettime");
  const int result = next(clock, time);
  if (result == 0 && faults != nullptr && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += faults->wall_clock_ahead;
  return result;
}
}
