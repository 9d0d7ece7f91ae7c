// Faults of the kernel that a test cannot bring about in earnest: calls that fail, a clock that is set. A
// library preloaded into the server reads from a file that both map what is to go wrong, so that a fault begins
// and ends at once in all of its processes. Sanitizers want to be the first library: with them there are none.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "common/fd.h"
#include "tests/support/child_process.h"
#include "tests/support/fault_table.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {

class InjectedFaults {
 public:
  InjectedFaults() {
    dir_.write("faults", std::string(sizeof(FaultTable), '\0'));
    const Fd file(::open((dir_ / "faults").c_str(), O_RDWR | O_CLOEXEC));
    void* const memory = ::mmap(nullptr, sizeof(FaultTable), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory == MAP_FAILED) throw std::runtime_error("map the table of faults");
    table_ = static_cast<FaultTable*>(memory);
  }
  ~InjectedFaults() { ::munmap(table_, sizeof(FaultTable)); }
  InjectedFaults(const InjectedFaults&) = delete;
  InjectedFaults& operator=(const InjectedFaults&) = delete;

  /// False: the server cannot be made to load the library, and the test is to be skipped.
  static bool possible() {
#ifdef HOLDFAST_FAULT_INJECTOR
    return !tested_is_sanitized();
#else
    return false;
#endif
  }
  SpawnOptions spawn_options() const {
    SpawnOptions options;
#ifdef HOLDFAST_FAULT_INJECTOR
    options.environment = {"LD_PRELOAD=" HOLDFAST_FAULT_INJECTOR, "HOLDFAST_FAULTS=" + (dir_ / "faults")};
#endif
    return options;
  }

  /// From now on the call fails with that errno, after `spared` more that succeed; 0: it works again.
  void fail(FaultyCall call, int code, int spared = 0) {
    table_->calls[static_cast<std::size_t>(call)].spared = spared;
    table_->calls[static_cast<std::size_t>(call)].code = code;
  }
  /// How often it has been made to fail so far.
  int failures(FaultyCall call) const {
    return table_->calls[static_cast<std::size_t>(call)].failures;
  }
  int calls(FaultyCall call) const {
    return table_->calls[static_cast<std::size_t>(call)].calls;
  }
  /// The wall clock shows so much more than it should.
  void set_wall_clock(std::int64_t seconds_ahead) {
    table_->wall_clock_ahead = seconds_ahead;
  }

 private:
  TempDir dir_;
  FaultTable* table_ = nullptr;
};

}  // namespace holdfast::support
