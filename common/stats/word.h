// The unit of the shared segment: a number that one process writes and all may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::stats {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

}  // namespace holdfast::stats
