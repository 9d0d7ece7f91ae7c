#include "common/stats/declared_layout.h"

#include <algorithm>
#include <bit>

namespace holdfast::stats {
namespace {

void add_double(Word& to, double more) {
  if (more != 0) to.store(std::bit_cast<std::uint64_t>(as_double(to) + more), std::memory_order_relaxed);
}

void add_count(Word& to, std::uint64_t more) {
  if (more != 0) to.store(to.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

void add_series(const Word* from, Word* to, std::uint32_t width) {
  add_double(to[0], as_double(from[0]));
  for (std::uint32_t i = 1; i < width; ++i) add_count(to[i], from[i].load(std::memory_order_relaxed));
}

template <class Visit>
void for_each_declared(const DeclaredTable& table, const DeclaredBlock& block, Visit visit) {
  for (std::uint32_t i = 0; i < kMaxDeclared; ++i) {
    if (!block.has(i)) continue;
    if (const auto extent = extent_of(table, i)) visit(i, *extent);
  }
}

}  // namespace

std::optional<DeclaredExtent> extent_of(const DeclaredTable& table, std::uint32_t declaration) {
  if (table.states[declaration].load(std::memory_order_acquire) != kPublished) return std::nullopt;
  const StoredDeclaration& stored = table.declarations[declaration];
  const std::uint64_t kind = stored.kind.load(std::memory_order_relaxed);
  const std::uint64_t label_count = stored.label_count.load(std::memory_order_relaxed);
  const std::uint64_t bound_count = stored.bound_count.load(std::memory_order_relaxed);
  const std::uint64_t first = stored.first.load(std::memory_order_relaxed);
  if (kind > static_cast<std::uint64_t>(Kind::Histogram) || label_count > 2 || bound_count > kMostBounds)
    return std::nullopt;
  DeclaredExtent extent = declared_extent(static_cast<Kind>(kind), static_cast<std::uint32_t>(label_count),
                                          static_cast<std::uint32_t>(bound_count));
  if (first > kDeclaredWords || extent.words() > kDeclaredWords - first) return std::nullopt;
  extent.first = static_cast<std::uint32_t>(first);
  return extent;
}

void clear_declared(const DeclaredTable& table, DeclaredBlock& block) {
  for_each_declared(table, block, [&](std::uint32_t, const DeclaredExtent& extent) {
    for (std::uint32_t i = 0; i < extent.words(); ++i)
      block.words[extent.first + i].store(0, std::memory_order_relaxed);
  });
  for (Word& word : block.declared) word.store(0, std::memory_order_relaxed);
}

void fold_declared(DeclaredTable& table, const DeclaredBlock& from, DeclaredBlock& to, std::uint64_t served) {
  for_each_declared(table, from, [&](std::uint32_t declaration, const DeclaredExtent& extent) {
    Word& last = table.served[declaration];
    last.store(std::max(last.load(std::memory_order_relaxed), served), std::memory_order_relaxed);
    const std::uint64_t kind = table.declarations[declaration].kind.load(std::memory_order_relaxed);
    if (kind == static_cast<std::uint64_t>(Kind::Gauge)) return;
    for (std::uint32_t set = 0; set < extent.sets; ++set)
      add_series(&from.words[extent.of_set(set)], &to.words[extent.of_set(set)], extent.width);
    to.note(declaration);
  });
}

void free_claims(DeclaredTable& table, std::uint32_t seat) {
  const std::uint64_t claimed = kClaimed + seat;
  for (std::uint32_t i = 0; i < kMaxDeclared; ++i) {
    const std::uint64_t state = table.states[i].load(std::memory_order_relaxed);
    if (state == claimed) table.states[i].store(kFree, std::memory_order_release);
    if (state != kPublished || table.declarations[i].label_count.load(std::memory_order_relaxed) == 0) continue;
    for (Word& labels : table.label_states[i])
      if (labels.load(std::memory_order_relaxed) == claimed) labels.store(kFree, std::memory_order_release);
  }
}

}  // namespace holdfast::stats
