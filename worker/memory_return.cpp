#include "worker/memory_return.h"

#include <malloc.h>

namespace holdfast::worker {
namespace {

// Long enough for a crowd that only reconnects; what it frees within is given back at once.
constexpr Milliseconds kQuiet{5000};

}  // namespace

void MemoryReturn::wait() {
  waits_ = true;
  loop_.timers().arm(*this, loop_.now() + kQuiet);
}

void MemoryReturn::on_timer(TimePoint /*now*/) {
  waits_ = false;
  if (!has_left()) return;
  most_ = connections_;
  ::malloc_trim(0);
}

}  // namespace holdfast::worker
