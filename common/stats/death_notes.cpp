#include "common/stats/death_notes.h"

#include <algorithm>
#include <string_view>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {
namespace {

/// The members in the order in which a note holds them.
template <class AnyDeath>
auto numbers_of(AnyDeath& death) {
  return std::array{&death.at,     &death.pid,      &death.slot,   &death.generation,
                    &death.reason, &death.signaled, &death.number, &death.connections};
}
template <class AnyDeath>
auto texts_of(AnyDeath& death) {
  return std::array{&death.site,   &death.route, &death.request, &death.request_id,
                    &death.module, &death.fault, &death.what,    &death.backtrace};
}

void write_note(DeathNote& note, const Death& death) {
  const auto numbers = numbers_of(death);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    note.numbers[i].store(*numbers[i], std::memory_order_relaxed);
  const auto texts = texts_of(death);
  std::size_t used = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t length = texts[i]->copy(note.text + used, DeathNote::kTextRoom - used);
    note.lengths[i].store(length, std::memory_order_relaxed);
    used += length;
  }
}

Death read_note(const DeathNote& note) {
  Death death;
  const auto numbers = numbers_of(death);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    *numbers[i] = note.numbers[i].load(std::memory_order_relaxed);
  const auto texts = texts_of(death);
  std::size_t used = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // Workers could write here: a broken one must not lead a reader out of the note.
    const std::size_t length =
        std::min<std::size_t>(note.lengths[i].load(std::memory_order_relaxed), DeathNote::kTextRoom - used);
    texts[i]->assign(note.text + used, length);
    used += length;
  }
  return death;
}

}  // namespace

void note_death(DeathNotes& notes, const Death& death) {
  const std::uint64_t even = notes.sequence.load(std::memory_order_relaxed);
  const std::uint64_t count = notes.count.load(std::memory_order_relaxed);
  notes.sequence.store(even + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  write_note(notes.notes[count % kDeathsKept], death);
  notes.count.store(count + 1, std::memory_order_relaxed);
  notes.sequence.store(even + 2, std::memory_order_release);
}

std::vector<Death> read_deaths(const DeathNotes& notes) {
  std::vector<Death> deaths;
  read_consistently(notes.sequence, [&] {
    deaths.clear();
    const std::uint64_t count = notes.count.load(std::memory_order_relaxed);
    for (std::uint64_t i = count - std::min<std::uint64_t>(count, kDeathsKept); i < count; ++i)
      deaths.push_back(read_note(notes.notes[i % kDeathsKept]));
  });
  return deaths;
}

}  // namespace holdfast::stats
