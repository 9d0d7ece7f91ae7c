#include "common/tickets/ticket_keys.h"

#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::tickets {
namespace {

constexpr std::uint64_t kFormat = 1;  // raised whenever the layout changes
constexpr std::string_view kPurpose = "session ticket keys";
constexpr std::size_t kWords = sizeof(TicketKey) / sizeof(std::uint64_t);
static_assert(sizeof(TicketKey) % sizeof(std::uint64_t) == 0);
using Words = std::array<std::atomic<std::uint64_t>, kWords>;

Result<TicketKey> random_key() {
  TicketKey key;
  if (::getrandom(&key, sizeof key, 0) != sizeof key)
    return system_error(errno, "make a key of session tickets");
  return key;
}

void store(Words& to, const TicketKey& key) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    std::memcpy(&word, reinterpret_cast<const char*>(&key) + i * sizeof word, sizeof word);
    to[i].store(word, std::memory_order_relaxed);
  }
}

TicketKey load(const Words& from) {
  TicketKey key;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t word = from[i].load(std::memory_order_relaxed);
    std::memcpy(reinterpret_cast<char*>(&key) + i * sizeof word, &word, sizeof word);
  }
  return key;
}

}  // namespace

struct SharedTicketKeys {
  std::uint64_t format;                 // written once, before the first fork
  std::atomic<std::uint64_t> sequence;  // odd while the keys are being written
  std::array<Words, kMostKeys> keys;    // the first makes tickets; unused ones repeat one
};

Result<TicketKeys> TicketKeys::create() {
  Result<SharedMemory> memory = SharedMemory::create("holdfast-tickets", sizeof(SharedTicketKeys), kPurpose);
  if (!memory) return memory.error();
  memory->keep_out_of_core_files();
  TicketKeys keys(std::move(*memory));
  // Nobody has the name of the first one's predecessor, which is random as well.
  for (int made = 0; made < 2; ++made)
    if (Result<void> rotated = keys.rotate(); !rotated) return rotated.error();
  keys.shared().format = kFormat;
  return keys;
}

Result<TicketKeys> TicketKeys::attach(Fd file) {
  Result<SharedMemory> memory = SharedMemory::attach(std::move(file), sizeof(SharedTicketKeys), kPurpose);
  if (!memory) return memory.error();
  memory->keep_out_of_core_files();
  TicketKeys keys(std::move(*memory));
  if (keys.shared().format != kFormat) return of_another_version(kPurpose);
  return keys;
}

Result<void> TicketKeys::rotate() {
  const Result<TicketKey> next = random_key();
  if (!next) return next.error();
  // All others are forgotten.
  Keys keys;
  keys.fill(current());
  keys[0] = *next;
  write(keys);
  return {};
}

void TicketKeys::use(std::string_view text) {
  Keys keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // Places that are left over repeat the last one.
    const std::size_t last = text.size() / sizeof(TicketKey) - 1;
    std::memcpy(&keys[i], text.data() + std::min(i, last) * sizeof(TicketKey), sizeof(TicketKey));
  }
  write(keys);
}

void TicketKeys::write(const Keys& keys) {
  const std::uint64_t even = shared().sequence.load(std::memory_order_relaxed);
  shared().sequence.store(even + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  for (std::size_t i = 0; i < keys.size(); ++i) store(shared().keys[i], keys[i]);
  shared().sequence.store(even + 2, std::memory_order_release);
}

// A writer in the middle of it needs less than a microsecond; one that was killed there has left a torn pair,
// which is as good as unknown keys: a full handshake.
TicketKeys::Keys TicketKeys::read() const {
  constexpr int kTries = 1000;
  Keys keys;
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint64_t before = shared().sequence.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = load(shared().keys[i]);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && shared().sequence.load(std::memory_order_relaxed) == before) break;
    ::sched_yield();
  }
  return keys;
}

TicketKey TicketKeys::current() const {
  return read()[0];
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t, 16> name) const {
  const Keys keys = read();
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (std::memcmp(keys[i].name.data(), name.data(), name.size()) == 0) return Found{keys[i], i == 0};
  return std::nullopt;
}

}  // namespace holdfast::tickets
