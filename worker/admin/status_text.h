// The text of `holdfast status`: what a person wants to know of a running server, in tidy columns. Rates are
// made of two samples.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/clock.h"
#include "common/stats/stats_segment.h"

namespace holdfast::admin {

/// What had been counted by a moment.
struct StatusSample {
  TimePoint at{};
  std::uint64_t requests = 0;
  std::uint64_t accepted = 0;
  std::uint64_t response_bytes = 0;
  std::map<std::uint32_t, std::uint64_t> busy;             // nanoseconds, by slot
  std::map<std::uint32_t, std::uint64_t> worker_requests;  // by slot, of those that live
};
StatusSample sample_status(const stats::Segment& segment, TimePoint now);

struct StatusText {
  std::string text;
  StatusSample sample;  // of the same moment
};
/// Rates are those since `earlier`; lines end with a newline and none with a space. `colours`: with escape
/// sequences of terminals, which nothing else in it has.
StatusText status_text(const stats::Segment& segment, const StatusSample& earlier, TimePoint now, bool colours);

}  // namespace holdfast::admin
