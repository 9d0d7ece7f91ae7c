#include "common/rate_table.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/text_hash.h"

namespace holdfast {
namespace {

constexpr std::size_t kBuckets = 65'536;  // 4 MiB, of which untouched pages cost nothing
constexpr unsigned kTagBits = 16;
constexpr unsigned kTimeBits = 64 - kTagBits;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;  // 36 years of ticks
constexpr std::uint64_t kTickShift = 12;                                  // 2^12 ns: four microseconds
constexpr std::uint64_t kTick = std::uint64_t{1} << kTickShift;

// What is below a tick goes up or down by lot, in proportion: rounding always one way would add up at high
// rates.
std::uint64_t to_ticks(std::uint64_t ns, std::uint64_t lot) {
  return (ns + lot % kTick) >> kTickShift;
}

}  // namespace

struct alignas(64) RateTable::Bucket {
  std::atomic<std::uint64_t> words[8];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct RateTable::Layout {
  std::uint64_t secret[2];
  Bucket buckets[kBuckets];
};

Result<RateTable> RateTable::create() {
  void* const memory =
      ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return system_error(errno, "map the table of rates");
  auto* const layout = static_cast<Layout*>(memory);
  if (::getrandom(layout->secret, sizeof layout->secret, 0) != sizeof layout->secret) {
    ::munmap(memory, sizeof(Layout));
    return system_error(errno, "get random bytes");
  }
  return RateTable(layout);
}

RateTable::RateTable(RateTable&& other) noexcept : layout_(std::exchange(other.layout_, nullptr)) {}

RateTable& RateTable::operator=(RateTable&& other) noexcept {
  std::swap(layout_, other.layout_);
  return *this;
}

RateTable::~RateTable() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
}

RateTable::Verdict RateTable::ask(std::uint64_t limit, std::string_view key, const Rate& rate,
                                  std::uint64_t now_ns) const {
  const std::uint64_t hash =
      text_hash(key, layout_->secret[0] ^ text_hash_detail::mix(limit, layout_->secret[1] | 1));
  Bucket& bucket = layout_->buckets[hash % kBuckets];
  Rate with_slack = rate;
  with_slack.slack_ns += 16 * kTick;
  const std::uint64_t tag = (hash >> (64 - kTagBits)) | 1;  // never 0, which is an empty word
  for (;;) {
    std::atomic<std::uint64_t>* place = nullptr;
    std::atomic<std::uint64_t>* oldest = &bucket.words[0];
    std::uint64_t oldest_word = ~std::uint64_t{0};
    for (std::atomic<std::uint64_t>& word : bucket.words) {
      const std::uint64_t seen = word.load(std::memory_order_relaxed);
      if (seen >> kTimeBits == tag) place = &word;
      if ((seen & kTimeMask) <= (oldest_word & kTimeMask)) {
        oldest = &word;
        oldest_word = seen;
      }
    }
    std::uint64_t before = place != nullptr ? place->load(std::memory_order_relaxed) : oldest_word;
    if (place != nullptr && before >> kTimeBits != tag) continue;  // taken meanwhile
    const std::uint64_t arrival = place != nullptr ? (before & kTimeMask) << kTickShift : 0;
    const RateStep step = rate_step(with_slack, arrival, now_ns);
    if (!step.admitted) return {false, step.wait_ns};
    const std::uint64_t lot = text_hash_detail::mix(before ^ now_ns, layout_->secret[1] | 1);
    const std::uint64_t after = tag << kTimeBits | (to_ticks(step.arrival_ns, lot) & kTimeMask);
    if (place == nullptr) place = oldest;
    if (place->compare_exchange_weak(before, after, std::memory_order_relaxed)) return {true, 0};
  }
}

}  // namespace holdfast
