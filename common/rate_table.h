// Rates of many clients in memory that all workers share: one word a client, a cache line of eight a bucket.
// The one place where several processes write a word: each step is a compare-and-swap, so a process that dies
// in the middle of one leaves a valid word, and there is nothing to lock or to mend.
//
// A word holds a tag of the key and the theoretical arrival time (rate_cell.h) in ticks of four microseconds. A
// key that is new to a full bucket takes the place of the one that is furthest in the past. As long as that one
// is not in the future it had its full rate back already, and nothing is lost. So an attacker with many
// addresses can make a bucket forget a client only while more than eight clients of that bucket are above their
// rate at the same time; the hash is keyed, so he cannot choose the bucket; what a forgotten client gains is
// one burst.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/rate_cell.h"
#include "common/result.h"

namespace holdfast {

class RateTable {
 public:
  /// Maps memory that children share; to be made before the first fork.
  static Result<RateTable> create();
  RateTable(RateTable&& other) noexcept;
  RateTable& operator=(RateTable&& other) noexcept;
  ~RateTable();

  struct Verdict {
    bool admitted = false;
    std::uint64_t wait_ns = 0;  // for a request that is refused
  };
  /// Counts one request of `key` (any bytes) under the limit `limit`, which tells rules apart.
  Verdict ask(std::uint64_t limit, std::string_view key, const Rate& rate, std::uint64_t now_ns) const;

 private:
  struct Bucket;
  struct Layout;
  explicit RateTable(Layout* layout) : layout_(layout) {}
  Layout* layout_ = nullptr;
};

}  // namespace holdfast
