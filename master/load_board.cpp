#include "master/load_board.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/stats/stats_segment.h"

namespace holdfast::master {
namespace {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == sizeof(std::uint64_t));

constexpr std::uint32_t kSlots = stats::kAdminSlot;
constexpr std::size_t kBytes = kSlots * sizeof(Word);

}  // namespace

Result<LoadBoard> LoadBoard::create() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(std::uint32_t);
  attributes.value_size = sizeof(std::uint64_t);
  attributes.max_entries = kSlots;
  attributes.map_flags = BPF_F_MMAPABLE;
  Fd map(static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes)));
  if (!map) return system_error(errno, "make the map of the workers' loads");
  void* const at = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
  if (at == MAP_FAILED) return system_error(errno, "map the workers' loads");
  return LoadBoard(std::move(map), static_cast<Word*>(at));
}

LoadBoard::LoadBoard(LoadBoard&& other) noexcept
    : map_(std::move(other.map_)), words_(std::exchange(other.words_, nullptr)) {}

LoadBoard::~LoadBoard() {
  if (words_ != nullptr) munmap(words_, kBytes);
}

}  // namespace holdfast::master
