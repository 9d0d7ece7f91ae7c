// A segment as a small server would have it: two slots, the admin process, one site of its own, some traffic.
#pragma once

#include <unistd.h>

#include <utility>

#include "common/stats/stats_segment.h"
#include "common/stats/worker_stats.h"

namespace holdfast::admin {

struct SampleSegment {
  SampleSegment() {
    segment.note_facts("0.1.0", "/etc/holdfast/holdfast.yaml");
    segment.set_seat_pid(stats::kMasterSeat, static_cast<std::uint64_t>(::getpid()));
    segment.intern_listener("http");
    site = segment.intern_site("example.org");
    stats::WorkerStats master(segment, stats::kMasterSeat);
    master.cell(stats::Metric::Generation).set(1);
    master.cell(stats::Metric::WorkersWanted).set(2);
    master.cell(stats::Metric::StartTime).set(1'800'000'000'500'000'000);
    first = start(0);
    second = start(1);
    admin = start(stats::kAdminSlot);
  }

  std::uint32_t start(std::uint32_t slot) {
    const std::uint32_t seat = segment.claim_seat(slot, 1);
    stats::WorkerStats made(segment, seat);
    segment.set_seat_use(seat, stats::SeatUse::Ready);
    return seat;
  }

  void count(std::uint32_t seat, std::uint16_t of_site, std::uint16_t code, std::uint64_t requests) {
    stats::WorkerStats worker(segment, seat);
    worker.cell(stats::Metric::HttpRequests, of_site, 0, code).add(requests);
    worker.cell(stats::Metric::WorkerRequests).add(requests);
    for (std::uint64_t i = 0; i < requests; ++i)
      worker.histogram(stats::Metric::HttpRequestDuration, of_site).observe(300'000);
  }

  stats::Segment segment = std::move(stats::Segment::create()).value();
  std::uint16_t site = 0;
  std::uint32_t first = 0, second = 0, admin = 0;
};

}  // namespace holdfast::admin
