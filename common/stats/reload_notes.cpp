#include "common/stats/reload_notes.h"

#include <algorithm>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {
namespace {

ReloadView view_of(const ReloadNote& note) {
  // Workers could write here: a broken one must not lead a reader out of the note.
  const std::size_t length =
      std::min<std::size_t>(note.length.load(std::memory_order_relaxed), ReloadNote::kTextRoom);
  return {note.at.load(std::memory_order_relaxed), note.ok.load(std::memory_order_relaxed) != 0,
          std::string(note.text, length)};
}

}  // namespace

void note_reload(ReloadNotes& notes, std::uint64_t at, bool ok, std::string_view text) {
  const std::uint64_t even = notes.sequence.load(std::memory_order_relaxed);
  const std::uint64_t count = notes.count.load(std::memory_order_relaxed);
  notes.sequence.store(even + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  ReloadNote& note = notes.notes[count % kReloadsKept];
  note.at.store(at, std::memory_order_relaxed);
  note.ok.store(ok ? 1 : 0, std::memory_order_relaxed);
  note.length.store(text.copy(note.text, ReloadNote::kTextRoom), std::memory_order_relaxed);
  notes.count.store(count + 1, std::memory_order_relaxed);
  notes.sequence.store(even + 2, std::memory_order_release);
}

std::vector<ReloadView> read_reloads(const ReloadNotes& notes) {
  std::vector<ReloadView> reloads;
  read_consistently(notes.sequence, [&] {
    reloads.clear();
    const std::uint64_t count = notes.count.load(std::memory_order_relaxed);
    for (std::uint64_t i = count - std::min<std::uint64_t>(count, kReloadsKept); i < count; ++i)
      reloads.push_back(view_of(notes.notes[i % kReloadsKept]));
  });
  return reloads;
}

}  // namespace holdfast::stats
