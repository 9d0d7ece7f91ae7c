// NameTable: names that get a number, in shared memory: append-only, an index never changes its meaning. The
// master appends; every process looks up through an index of its own, which catches up with what was published.
// Lives inside Segment, which owns the memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/stats/stats_segment.h"

namespace holdfast::stats {

/// A name as it is stored: at most 63 bytes of printable UTF-8, ended by NUL. Longer or unprintable names are
/// cut and cleaned, and get a hash of the whole so that they stay different.
struct StoredName {
  char text[64];
};
StoredName stored_name(std::string_view name);

class NameTable {
 public:
  NameTable(StoredName* names, Word* count, std::uint32_t room) : names_(names), count_(count), room_(room) {}

  /// Master only. Index 0, "other", when the table is full.
  std::uint16_t intern(std::string_view name);
  /// 0 when the name is unknown.
  std::uint16_t find(std::string_view name);
  /// The text of an index; "other" for one that is not published. Lives as long as the segment.
  std::string_view name(std::uint16_t index) const;
  std::uint32_t count() const {
    // Every process that maps the segment could have overwritten it.
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count_->load(std::memory_order_acquire), room_));
  }

 private:
  void catch_up();

  StoredName* names_;
  Word* count_;
  std::uint32_t room_;
  std::unordered_map<std::string, std::uint16_t> index_;
  std::uint32_t indexed_ = 0;
};

}  // namespace holdfast::stats
