#include "common/stats/declared_metrics.h"

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/stats/name_table.h"

namespace holdfast::stats {
namespace {

constexpr int kBusyTries = 64;
// While a worker starts it may wait for another one that is filling a place and does not get its turn.
constexpr Milliseconds kPatienceAtStart{200};

/// What stands in the place when nobody is filling it any more, or when the wait was given up.
std::uint64_t settled(const Word& state, Milliseconds patience) {
  std::uint64_t seen = state.load(std::memory_order_acquire);
  const auto busy = [&] { return seen >= kClaimed; };
  for (int i = 0; busy() && i < kBusyTries; ++i) seen = state.load(std::memory_order_acquire);
  if (!busy() || patience == Milliseconds::zero()) return seen;
  const TimePoint give_up_at = Clock::now() + patience;
  while (busy() && Clock::now() < give_up_at) {
    ::sched_yield();
    seen = state.load(std::memory_order_acquire);
  }
  return seen;
}

/// The place of a table whose entry `equals`; added by `fill` when there is none. Nothing: the table is full,
/// or `fill` has refused.
class Table {
 public:
  Table(std::span<Word> states, std::uint32_t seat, Milliseconds patience)
      : states_(states), claim_(kClaimed + seat), patience_(patience) {}

  template <class Equals, class Fill>
  std::optional<std::uint32_t> find_or_add(Equals equals, Fill fill) const {
    for (std::uint32_t i = 0; i < states_.size(); ++i)
      if (states_[i].load(std::memory_order_acquire) == kPublished && equals(i)) return i;
    for (std::uint32_t i = 0; i < states_.size(); ++i) {
      if (claim(i)) return publish(i, fill(i));
      if (states_[i].load(std::memory_order_acquire) == kPublished && equals(i)) return i;
    }
    return std::nullopt;
  }

 private:
  bool claim(std::uint32_t i) const {
    for (;;) {
      std::uint64_t seen = settled(states_[i], patience_);
      if (seen != kFree) return false;
      if (states_[i].compare_exchange_strong(seen, claim_, std::memory_order_acq_rel)) return true;
    }
  }
  std::optional<std::uint32_t> publish(std::uint32_t i, bool filled) const {
    states_[i].store(filled ? kPublished : kFree, std::memory_order_release);
    return filled ? std::optional(i) : std::nullopt;
  }

  std::span<Word> states_;
  const std::uint64_t claim_;
  const Milliseconds patience_;
};

template <std::size_t Room>
void put(char (&to)[Room], std::string_view text) {
  const std::size_t length = std::min(Room - 1, text.size());
  std::memset(to, 0, Room);
  if (length > 0) std::memcpy(to, text.data(), length);
}

bool same(const StoredDeclaration& stored, const Declaration& wanted, const char* route) {
  return stored.kind.load(std::memory_order_relaxed) == static_cast<std::uint64_t>(wanted.kind) &&
         wanted.name == stored.name && wanted.help == stored.help && std::strcmp(stored.route, route) == 0 &&
         wanted.labels[0] == stored.labels[0] && wanted.labels[1] == stored.labels[1] &&
         std::ranges::equal(
             wanted.bounds,
             std::span(stored.bounds, std::min<std::uint64_t>(
                                          stored.bound_count.load(std::memory_order_relaxed), kMostBounds)));
}

/// Nothing when not so many words are left.
std::optional<std::uint64_t> take_words(DeclaredTable& table, std::uint32_t count) {
  std::uint64_t used = table.words_used.load(std::memory_order_relaxed);
  do {
    if (used > kDeclaredWords || count > kDeclaredWords - used) return std::nullopt;
  } while (!table.words_used.compare_exchange_weak(used, used + count, std::memory_order_relaxed));
  return used;
}

bool fill(DeclaredTable& table, StoredDeclaration& stored, const Declaration& wanted, const char* route) {
  const auto bound_count = static_cast<std::uint32_t>(std::min<std::size_t>(wanted.bounds.size(), kMostBounds));
  const auto first = take_words(table, declared_extent(wanted.kind, wanted.label_count(), bound_count).words());
  if (!first) return false;
  stored.first.store(*first, std::memory_order_relaxed);
  stored.kind.store(static_cast<std::uint64_t>(wanted.kind), std::memory_order_relaxed);
  stored.label_count.store(wanted.label_count(), std::memory_order_relaxed);
  stored.bound_count.store(bound_count, std::memory_order_relaxed);
  put(stored.name, wanted.name);
  put(stored.help, wanted.help);
  put(stored.route, route);
  put(stored.labels[0], wanted.labels[0]);
  put(stored.labels[1], wanted.labels[1]);
  std::copy_n(wanted.bounds.begin(), bound_count, stored.bounds);
  return true;
}

Error no_place() {
  return {
      ErrorKind::Unavailable, 0,
      "there is no place left for another metric: at most " + std::to_string(kMaxDeclared) +
          " declared metrics (a metric counts once for each route and each change of its declaration), in " +
          std::to_string(kDeclaredWords) +
          " numbers; declare fewer, or restart the server if many declarations are of modules that are gone"};
}

}  // namespace

DeclaredMetric::DeclaredMetric(DeclaredTable& table, DeclaredBlock& block, std::uint32_t place,
                               std::uint32_t seat)
    : table_(table),
      block_(block),
      place_(place),
      seat_(seat),
      extent_(extent_of(table, place).value_or(DeclaredExtent{})),
      label_count_(extent_.sets > 1 ? static_cast<std::uint32_t>(
                                          table.declarations[place].label_count.load(std::memory_order_relaxed))
                                    : 0) {
  if (label_count_ > 0) known_.reserve(kMostLabelSets);
  block_.note(place);
}

std::span<const double> DeclaredMetric::bounds() const {
  const StoredDeclaration& stored = table_.declarations[place_];
  return {stored.bounds, extent_.width < 2 ? 0 : extent_.width - 2};
}

Word* DeclaredMetric::known(std::string_view first, std::string_view second) const {
  const auto found = std::ranges::find_if(
      known_, [&](const Known& known) { return known.first == first && known.second == second; });
  return found == known_.end() ? nullptr : found->words;
}

Word* DeclaredMetric::series(std::string_view first, std::string_view second) {
  Word* const other = &block_.words[extent_.first];
  if (label_count_ == 0) return other;
  if (label_count_ == 1) second = {};
  if (Word* const words = known(first, second)) return words;
  const StoredName values[2] = {stored_name(first), stored_name(second)};
  if (Word* const words = known(values[0].text, values[1].text)) return words;
  StoredLabels* const sets = table_.labels[place_];
  const Table labels(table_.label_states[place_], seat_, Milliseconds::zero());
  const auto set = labels.find_or_add(
      [&](std::uint32_t i) {
        return std::strcmp(sets[i].values[0], values[0].text) == 0 &&
               std::strcmp(sets[i].values[1], values[1].text) == 0;
      },
      [&](std::uint32_t i) {
        put(sets[i].values[0], values[0].text);
        put(sets[i].values[1], values[1].text);
        return true;
      });
  if (!set || known_.size() == kMostLabelSets) return other;
  known_.push_back({sets[*set].values[0], sets[*set].values[1], &block_.words[extent_.of_set(*set + 1)]});
  return known_.back().words;
}

Result<DeclaredMetric*> DeclaredMetrics::declare(const Declaration& declaration) {
  DeclaredTable& table = stats_.segment().declared_table();
  const StoredName route = stored_name(declaration.route);
  const Table places(table.states, stats_.seat_index(), kPatienceAtStart);
  const auto place = places.find_or_add(
      [&](std::uint32_t i) { return same(table.declarations[i], declaration, route.text); },
      [&](std::uint32_t i) { return fill(table, table.declarations[i], declaration, route.text); });
  if (!place) return no_place();
  metrics_.push_back(std::make_unique<DeclaredMetric>(table, stats_.declared(), *place, stats_.seat_index()));
  return metrics_.back().get();
}

}  // namespace holdfast::stats
