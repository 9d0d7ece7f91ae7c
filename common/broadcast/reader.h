// The reading end: all lanes, with a place of its own in each. Nothing of a reader is in shared memory, and
// nothing that it does holds up a writer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/broadcast/record.h"
#include "common/broadcast/segment.h"

namespace holdfast::broadcast {

/// One worker's view. Begins at the oldest whole record of every lane: call replay() or skip_history() first.
/// One thread at a time.
class Reader {
 public:
  /// `own_lane`: of the same process's publisher, claimed before and not yet written to; what former owners
  /// have left in it is read, and what this process publishes is not. kLanes: it has none. `segment` outlives
  /// the reader.
  explicit Reader(const Segment& segment, std::uint32_t own_lane = kLanes);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Tells all that had been published when it was called: the oldest record first by wall clock, those of a
  /// lane in their order whatever their times say. Origins that have ended are told of behind their records.
  /// read() goes on exactly behind it.
  void replay(Listener& listener);
  /// Passes over all that had been published when it was called.
  void skip_history();
  /// What one call may take: the record that passes the bytes is still told.
  struct Budget {
    std::size_t records = 1024;
    std::size_t bytes = 1024 * 1024;  // of payloads
  };
  /// Tells what is new. True when there is more than the budget allows: then the next call begins with the
  /// lane behind the one where this one has stopped, so that one busy lane does not keep the others back.
  bool read(Listener& listener, Budget budget);
  /// Would read() tell something? To be asked between arming the doorbell and sleeping.
  bool has_news() const;

 private:
  struct Cursor {
    std::uint64_t position = 0;
    std::uint64_t next_sequence = 0;
    std::uint64_t origin = 0;  // incarnation of the last record; 0: none, or its end has been told
    bool aligned = false;      // next_sequence is known
  };

  std::uint64_t end_of(std::uint32_t lane) const;
  std::optional<RecordHeader> peek(std::uint32_t lane, std::uint64_t end);
  bool take(std::uint32_t lane, const RecordHeader& header, Listener& listener);
  void step_over(Cursor& cursor, const RecordHeader& header);
  void tell_if_gone(std::uint32_t lane, Listener& listener);
  bool passed(std::uint32_t lane, std::uint64_t position) const;

  const Segment& segment_;
  std::uint32_t own_lane_;
  std::uint64_t own_end_ = 0;  // the own lane is read up to here
  std::uint32_t next_lane_ = 0;
  std::array<Cursor, kLanes> cursors_{};
  std::unique_ptr<std::uint64_t[]> payload_;  // the copy that is told, of kMostPayload bytes
};

}  // namespace holdfast::broadcast
