// (scope, text) -> number: the one look-up table of the router, for hosts of a listener, paths of a site and
// segments below a node. Filled while the router is built, read only after that; find() neither allocates nor
// slows with size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/text_hash.h"

namespace holdfast::http {

class ScopedTable {
 public:
  ScopedTable() : slots_(kFirstSlots) {}

  /// The number of (scope, text), or nullopt.
  std::optional<std::uint32_t> find(std::uint32_t scope, std::string_view text) const {
    const std::uint64_t hash = text_hash(text, scope);
    for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Slot& slot = slots_[i];
      if (!slot.used) return std::nullopt;
      if (slot.hash == hash && slot.scope == scope && text_of(slot) == text) return slot.value;
    }
  }

  /// Enters (scope, text) unless it is there; returns the number that is there afterwards.
  std::uint32_t insert(std::uint32_t scope, std::string_view text, std::uint32_t value) {
    if (const auto known = find(scope, text)) return *known;
    if ((count_ + 1) * 2 > slots_.size()) grow();
    const Slot slot{text_hash(text, scope),
                    scope,
                    static_cast<std::uint32_t>(texts_.size()),
                    static_cast<std::uint32_t>(text.size()),
                    value,
                    true};
    texts_.append(text);
    place(slot);
    ++count_;
    return value;
  }

  std::size_t size() const { return count_; }
  /// The most slots any find() of a present key looks at.
  std::size_t longest_probe() const {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].used) longest = std::max(longest, ((i - slots_[i].hash) & mask()) + 1);
    return longest;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t scope = 0;
    std::uint32_t text_at = 0;
    std::uint32_t text_size = 0;
    std::uint32_t value = 0;
    bool used = false;
  };
  static constexpr std::size_t kFirstSlots = 16;

  std::size_t mask() const { return slots_.size() - 1; }
  std::string_view text_of(const Slot& slot) const {
    return std::string_view(texts_).substr(slot.text_at, slot.text_size);
  }
  void place(const Slot& slot) {
    std::size_t i = slot.hash & mask();
    while (slots_[i].used) i = (i + 1) & mask();
    slots_[i] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.used) place(slot);
  }

  std::vector<Slot> slots_;
  std::string texts_;
  std::size_t count_ = 0;
};

}  // namespace holdfast::http
