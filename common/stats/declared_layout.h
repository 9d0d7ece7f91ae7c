// Metrics that modules declare, as they stand in the shared segment. What a metric is (its name, its help, the
// words of its labels) is written by workers, which are the ones that open modules, and read by the admin
// process, which opens none.
//
// There are two tables, of declarations (a metric of a route) and of their label sets (the values that its
// labels had so far). Both only grow: a place never changes its meaning while the segment lives. A worker takes
// a free place by one compare and exchange, fills it, and publishes it by another store: a place whose owner
// died in between is never visible, and the master frees it with the dead worker's seat. Two workers that want
// the same entry at the same moment end with one: the second waits for the first, which has a few hundred bytes
// to write. Should it wait in vain the entry stands there twice, and readers add equal ones together.
//
// The numbers themselves stand in each worker's seat, in the words that the declaration's place was given: one
// writer each, and folded into one retired block when the worker is dead. Of each series the first word is a
// double (the value, or the sum of a histogram), what follows are the counts of a histogram's buckets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/stats/metric_table.h"
#include "common/stats/word.h"

namespace holdfast::stats {

inline constexpr std::uint32_t kMaxDeclared = 1024;      // metrics times routes
inline constexpr std::uint32_t kMostLabelSets = 64;      // of one metric of one route; the rest is "other"
inline constexpr std::uint32_t kMostBounds = 32;         // of a histogram
inline constexpr std::uint32_t kDeclaredWords = 131072;  // of each seat
inline constexpr std::size_t kLabelRoom = 64;  // of a label's name, a label's value, a route: with the NUL
inline constexpr std::size_t kMetricNameRoom = 128;
inline constexpr std::size_t kMetricHelpRoom = 256;

/// What stands in a place of a table. kClaimed plus a seat: the worker of that seat is filling it.
enum PlaceState : std::uint64_t { kFree = 0, kPublished = 1, kClaimed = 2 };

struct StoredDeclaration {
  Word first;  // of its words in every seat
  Word kind;   // Kind
  Word label_count;
  Word bound_count;
  char name[kMetricNameRoom];
  char help[kMetricHelpRoom];
  char route[kLabelRoom];
  char labels[2][kLabelRoom];
  double bounds[kMostBounds];
};

struct StoredLabels {
  char values[2][kLabelRoom];
};

struct DeclaredTable {
  alignas(64) Word words_used;
  Word states[kMaxDeclared];
  Word served[kMaxDeclared];  // highest generation whose dead workers counted there; written by the master only
  Word label_states[kMaxDeclared][kMostLabelSets];
  StoredDeclaration declarations[kMaxDeclared];
  StoredLabels labels[kMaxDeclared][kMostLabelSets];
};

/// The numbers of one seat, or of all that is dead.
struct DeclaredBlock {
  alignas(64) Word declared[kMaxDeclared / 64];  // a bit for each declaration that is counted here
  Word words[kDeclaredWords];

  bool has(std::uint32_t declaration) const {
    return (declared[declaration / 64].load(std::memory_order_acquire) >> declaration % 64 & 1) != 0;
  }
  void note(std::uint32_t declaration) {
    Word& word = declared[declaration / 64];
    word.store(word.load(std::memory_order_relaxed) | std::uint64_t{1} << declaration % 64,
               std::memory_order_release);
  }
};

/// Where the words of a declaration stand in a block.
struct DeclaredExtent {
  std::uint32_t first = 0;
  std::uint32_t width = 1;  // words of one series
  std::uint32_t sets = 1;   // the first is that without labels, or "other"
  std::uint32_t words() const { return width * sets; }
  std::uint32_t of_set(std::uint32_t set) const { return first + set * width; }
};

constexpr DeclaredExtent declared_extent(Kind kind, std::uint32_t label_count, std::uint32_t bound_count) {
  return {0, kind == Kind::Histogram ? bound_count + 2 : 1, label_count == 0 ? 1 : kMostLabelSets + 1};
}

/// Nothing when the place is not published, or when a broken worker has overwritten it with what would lead
/// readers out of the block.
std::optional<DeclaredExtent> extent_of(const DeclaredTable& table, std::uint32_t declaration);

inline double as_double(const Word& word) {
  return std::bit_cast<double>(word.load(std::memory_order_relaxed));
}

// -- master only
/// Zeroes what a block counts.
void clear_declared(const DeclaredTable& table, DeclaredBlock& block);
/// Adds a dead worker's counters and histograms to `to`. `served` is the generation that it served in, or 0.
void fold_declared(DeclaredTable& table, const DeclaredBlock& from, DeclaredBlock& to, std::uint64_t served);
/// Frees what a dead worker has claimed and not published.
void free_claims(DeclaredTable& table, std::uint32_t seat);

}  // namespace holdfast::stats
