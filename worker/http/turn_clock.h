// The time of the current loop turn in the forms HTTP needs: steady, wall seconds, the ready-made Date field.
// Updated once a turn by the worker; everybody else reads.
#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>

#include "common/clock.h"

namespace holdfast::http {

class TurnClock {
 public:
  TurnClock();
  /// Start of a turn; asks the system for wall time at most once a second.
  void update(TimePoint now);

  TimePoint now() const { return now_; }
  /// When an answer is over: later in the turn than now(), by at most some answers not the latest. The system
  /// is asked for every kShared-th of them alone, or when `exact`, for one that may have kept the worker busy.
  TimePoint at_end(bool exact) const {
    if (exact || asked_++ % kShared == 0) latest_ = Clock::now();
    return latest_;
  }
  std::time_t wall_seconds() const { return wall_seconds_; }
  std::uint32_t wall_milliseconds() const { return wall_milliseconds_; }
  /// "Server: holdfast\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n" (RFC 9110 sections 6.6.1, 10.2.4).
  std::string_view common_fields() const { return {common_fields_, sizeof common_fields_ - 1}; }
  /// The Date field of them alone.
  std::string_view date_field() const { return common_fields().substr(kServerField); }

 private:
  static constexpr std::uint32_t kShared = 8;
  static constexpr std::size_t kServerField = 18;  // "Server: holdfast\r\n"
  void read_wall_clock();

  TimePoint now_{};
  mutable TimePoint latest_{};
  mutable std::uint32_t asked_ = 0;  // in this turn
  TimePoint refresh_at_{};
  TimePoint base_{};
  std::int64_t base_milliseconds_ = 0;  // wall clock at base_
  std::time_t wall_seconds_ = 0;
  std::uint32_t wall_milliseconds_ = 0;
  char common_fields_[56] = "Server: holdfast\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
};

}  // namespace holdfast::http
