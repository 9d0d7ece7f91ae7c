#include "worker/leak_check.h"

#if defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_FINDS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_FINDS_LEAKS 1
#endif
#endif

#ifdef HOLDFAST_FINDS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

namespace holdfast::worker {

void check_for_leaks() {
#ifdef HOLDFAST_FINDS_LEAKS
  __lsan_do_leak_check();
#endif
}

}  // namespace holdfast::worker
