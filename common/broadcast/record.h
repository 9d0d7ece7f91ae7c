// A record as a reader is told of it, and who is told.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/clock.h"

namespace holdfast::broadcast {

inline constexpr std::size_t kLanes = 128;
inline constexpr std::size_t kMostPayload = 64 * 1024;  // bytes of one record

/// Who has published something: one worker process from the claim of its lane to its end. The incarnation alone
/// tells origins apart; a lane has many, one after the other.
struct Origin {
  std::uint32_t lane = 0;
  std::uint64_t incarnation = 0;
  auto operator<=>(const Origin&) const = default;
};

struct Record {
  Origin origin;
  std::uint64_t sequence = 0;          // of the lane; rises by one with each of its records
  WallTime time;                       // when it was staged, to the millisecond
  std::span<const std::byte> payload;  // alive for the call
};

/// Is told what other workers publish. Nothing here may call the reader that tells it.
class Listener {
 public:
  /// Every record once, those of an origin in the order in which it published them.
  virtual void on_record(const Record& record) = 0;
  /// The origin has ended, by whatever way, and all of its records that could be had have been told. Told once;
  /// also of an origin whose records were passed over. There is nothing to tell of one that never published.
  virtual void on_origin_gone(const Origin& origin) = 0;
  /// So many records of one lane were overwritten before this reader came to them. What is told next of the
  /// lane lies behind them.
  virtual void on_lost(std::uint64_t records) = 0;

 protected:
  ~Listener() = default;
};

}  // namespace holdfast::broadcast
